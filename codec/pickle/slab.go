package pickle

// A slab hands out elements that are needed until a message is read. The first ones are used again for the
// next message.
type slab[T any] struct {
	kept []T
	free []T // of kept, or of what was made when kept was used up
	more bool
}

func newSlab[T any](size int) slab[T] {
	kept := make([]T, size)
	return slab[T]{kept: kept, free: kept}
}

// take returns n elements, all zero.
func (s *slab[T]) take(n int) []T {
	const chunk, large = 64, 16
	if n > len(s.free) {
		if n > large {
			return make([]T, n)
		}
		s.free, s.more = make([]T, chunk), true
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// reset takes back all elements.
func (s *slab[T]) reset() {
	used := len(s.kept)
	if !s.more {
		used -= len(s.free)
	}
	clear(s.kept[:used])
	s.free, s.more = s.kept, false
}
