package bind

import (
	"math"
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
)

// RoomFor returns how many bytes of memory destinations may take for size bytes of input, where slices grow
// because nobody knows how many elements there are: counted is each step of that.
func RoomFor(size int) int {
	const each, fixed = 192, 4 << 20
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

// takeMap is take for a map of type t, with the variables that its entries are read into.
func (d *Decoder) takeMap(t reflect.Type) error {
	const empty = 48 // bytes of a map without entries
	if err := d.take(empty); err != nil {
		return err
	}
	return d.takeEntry(t)
}

// takeEntry is take for an entry of a map of type t.
func (d *Decoder) takeEntry(t reflect.Type) error {
	return d.take(int(t.Key().Size() + t.Elem().Size()))
}
