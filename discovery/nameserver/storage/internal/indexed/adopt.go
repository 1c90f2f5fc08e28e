package indexed

import (
	"context"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// adoptMany is how many leases are adopted in one transaction: others wait for it.
const adoptMany = 256

// Holder is what this process is called as the holder of leases. See storage.Sharer.
func (s *Storage) Holder() int64 {
	if s.shared == nil {
		return 0
	}
	return s.shared.Holder()
}

// note remembers who else holds leases.
func (s *Storage) note(records []storage.Record) {
	if s.shared == nil {
		return
	}
	mine := s.shared.Holder()
	for _, r := range records {
		if r.Lease == 0 || r.Holder == mine {
			continue
		}
		s.mu.Lock()
		if s.holders == nil {
			s.holders = map[int64]struct{}{}
		}
		s.holders[r.Holder] = struct{}{}
		s.mu.Unlock()
	}
}

// gone returns those holders that are known, and whose process does not have the file open any more.
func (s *Storage) gone() map[int64]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := map[int64]struct{}{}
	for holder := range s.holders {
		if s.shared.Gone(holder) {
			gone[holder] = struct{}{}
			delete(s.holders, holder) // noted again with the next lease of it
		}
	}
	return gone
}

// Adopt takes over the leases of those that are gone. See storage.Sharer.
func (s *Storage) Adopt(ctx context.Context) (adopted []storage.Record, err error) {
	gone := s.gone()
	if len(gone) == 0 {
		return nil, nil
	}
	defer func() {
		if err != nil {
			s.missed(gone)
		}
	}()
	var names []string
	for r, err := range s.index.Prefix(ctx, "") {
		if err != nil {
			return adopted, err
		}
		if _, is := gone[r.Holder]; !is || r.Lease == 0 {
			continue
		}
		if names = append(names, r.Name); len(names) < adoptMany {
			continue
		}
		some, err := s.adopt(ctx, names, gone)
		adopted = append(adopted, some...)
		if err != nil {
			return adopted, err
		}
		names = nil
	}
	some, err := s.adopt(ctx, names, gone)
	return append(adopted, some...), err
}

// missed has those looked at again whose leases may not all have been adopted.
func (s *Storage) missed(gone map[int64]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for holder := range gone {
		s.holders[holder] = struct{}{}
	}
}

// adopt takes over the leases of names, as far as they are still of those that are gone.
func (s *Storage) adopt(ctx context.Context, names []string, gone map[int64]struct{}) ([]storage.Record, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var adopted []storage.Record
	err := s.write(ctx, func(c *changes) error {
		for _, name := range names {
			r, known := c.get(ctx, name)
			if _, is := gone[r.Holder]; !known || !is || r.Lease == 0 {
				continue
			}
			r.Holder = s.shared.Holder()
			c.put(ctx, r)
			adopted = append(adopted, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return adopted, nil
}
