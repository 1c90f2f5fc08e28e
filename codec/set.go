package codec

import "iter"

// A Set is a Python set or frozenset. It keeps the order in which members were added and compares
// them as [Dict] compares keys. The zero Set is empty and ready to use; copies of a Set share their
// members once it has any.
type Set struct {
	d *Dict

	// Frozen tells a frozenset. Serializers that know only sets write one as a set.
	Frozen bool
}

// NewSet returns a set of the given members. It panics as Add does.
func NewSet(members ...any) Set {
	var s Set
	for _, m := range members {
		s.Add(m)
	}
	return s
}

// NewFrozenSet returns a frozenset of the given members. It panics as Add does.
func NewFrozenSet(members ...any) Set {
	s := NewSet(members...)
	s.Frozen = true
	return s
}

// Add makes m a member. It panics when m cannot be one (a list, a dict); Put returns an error
// instead.
func (s *Set) Add(m any) {
	if err := s.Put(m); err != nil {
		panic("codec: " + err.Error())
	}
}

// Put is Add with an error, a [*TypeError], for what cannot be a member.
func (s *Set) Put(m any) error {
	if s.d == nil {
		s.d = &Dict{}
	}
	return s.d.Put(m, nil)
}

// Has reports whether m is a member.
func (s Set) Has(m any) bool {
	_, ok := s.d.Get(m)
	return ok
}

// Len returns the number of members.
func (s Set) Len() int { return s.d.Len() }

// All returns the members in the order in which they were added.
func (s Set) All() iter.Seq[any] { return s.d.Keys() }
