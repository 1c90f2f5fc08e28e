package bind

import (
	"math"
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
)

// RoomFor returns how many bytes of memory destinations may take for size bytes of input. Where slices grow because
// nobody knows how many elements there are, each step of that is counted.
func RoomFor(size int) int {
	const each, fixed = 192, 1 << 20
	return each*size + fixed
}

// take counts n bytes of memory for a destination: an element of a byte or two may become a large struct.
func (d *Decoder) take(n int) error {
	if d.taken += n; d.taken < 0 {
		d.taken = math.MaxInt
	}
	if d.Room > 0 && d.taken > d.Room {
		return &codec.LimitError{What: "memory for what so few bytes are read into", Limit: int64(d.Room), Option: "none"}
	}
	return nil
}

// takeMap is take for a map of type t without entries, with the variables that they are read into.
func (d *Decoder) takeMap(t reflect.Type) error {
	const empty = 48 // bytes
	return d.take(empty + int(t.Key().Size()+t.Elem().Size()))
}

// takeEntry is take for entry i of a map of type t. The first one comes with room for others, the later ones with the
// copies that are made as the map grows.
func (d *Decoder) takeEntry(t reflect.Type, i int) error {
	const (
		group  = 8   // entries that a map has room for at least
		inline = 128 // bytes of a key or value beyond which the map holds a pointer to it
		copies = 4
	)
	slot, apart := 1, 0
	for _, size := range [...]uintptr{t.Key().Size(), t.Elem().Size()} {
		if size > inline {
			slot, apart = slot+8, apart+int(size)
		} else {
			slot += int(size)
		}
	}
	switch {
	case i == 0:
		apart += group * slot
	case i >= group:
		apart += copies * slot
	}
	return d.take(apart)
}
