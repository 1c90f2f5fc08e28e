package nameserver

import (
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// adoptEvery is how often a name server looks whether others that had its storage open are gone, and whether the storage can
// read what they change.
const adoptEvery = time.Second

// loadLeases gives a full lease to every name in the storage that has one, while the name server answers already. Those that
// belong to another name server, which has the storage open, too, are left to that one until it is gone: it alone knows when
// they were renewed.
func (n *NameServer) loadLeases() {
	shared, is := n.store.(storage.Sharer)
	if !is {
		n.loadAllLeases()
		return
	}
	n.adopting.Go(func() {
		failing, behind := n.adopt(shared, false), false
		tick := time.NewTicker(adoptEvery)
		defer tick.Stop()
		for {
			select {
			case <-n.closing.Done():
				return
			case <-tick.C:
				failing = n.adopt(shared, failing)
				behind = n.follow(behind)
			}
		}
	})
}

func (n *NameServer) loadAllLeases() {
	for r, err := range n.store.Prefix(n.closing, "") {
		if err != nil {
			n.log.Error("leases cannot be read", "error", err)
			return
		}
		if r.Lease > 0 {
			n.adoptOne(r)
		}
	}
}

// adopt gives a full lease to the names whose leases were left by a name server that is gone. It returns whether that failed,
// and takes whether it did the last time, which it has logged then.
func (n *NameServer) adopt(shared storage.Sharer, failing bool) (failed bool) {
	adopted, err := shared.Adopt(n.closing)
	names := make([]string, 0, len(adopted))
	for _, r := range adopted {
		n.adoptOne(r)
		names = append(names, r.Name)
	}
	if len(names) > 0 {
		n.log.Info("took over leases of a name server that is gone", "names", someNames(names), "count", len(names))
	}
	if err != nil && !failing && n.closing.Err() == nil {
		n.log.Error("leases of a name server that is gone cannot be taken over", "error", err)
	}
	return err != nil
}

// follow logs when the storage cannot read any more what others change in its file, and when it can again. It returns whether
// the storage is behind, and takes whether it was the last time.
func (n *NameServer) follow(was bool) (behind bool) {
	f, is := n.store.(storage.Follower)
	if !is {
		return false
	}
	err := f.Behind()
	switch behind = err != nil; {
	case behind && !was:
		n.log.Error("what others change in the storage cannot be read, trying again", "error", err)
	case was && !behind:
		n.log.Info("what others change in the storage can be read again")
	}
	return behind
}

// adoptOne notes a lease, unless it has been renewed or replaced meanwhile.
func (n *NameServer) adoptOne(r storage.Record) {
	defer n.leases.lock(r.Name)()
	if now, err := n.store.Get(n.closing, r.Name); err == nil && now.Equal(r) {
		n.leases.set(r)
	}
}

// isMine tells whether it is this name server that ends the lease of a record.
func (n *NameServer) isMine(r storage.Record) bool {
	shared, is := n.store.(storage.Sharer)
	return !is || r.Holder == shared.Holder()
}
