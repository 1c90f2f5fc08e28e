package codec

import (
	"errors"
	"fmt"
)

// A ListSink is a destination for a list whose elements go to places of their own, each of its own type,
// as the results of a batch do. Unmarshal takes one in the place of a pointer.
type ListSink interface {
	// Element returns the pointer for element i, which is filled as by Unmarshal. It is asked in order; an
	// error ends the decoding and is returned as it is.
	Element(i int) (any, error)
	// Instance is told, before Element is asked, that element i is an instance of class; value reads it as
	// into an any. It returns whether the element is dealt with, which takes a call of value. A Go value in
	// the place of an encoded one may be an instance: then class is empty.
	Instance(i int, class string, value func() (any, error)) bool
	// Misfit is told that element i does not fit its pointer: a *TypeError or *ClassError. Unless it
	// returns an error, the decoding goes on with the next element.
	Misfit(i int, err error) error
}

// assignList hands the elements of a Go value to sink.
func assignList(sink ListSink, src any) error {
	var items []any
	switch x := src.(type) {
	case []any:
		items = x
	case Tuple:
		items = x
	default:
		return &TypeError{Want: "list", Found: fmt.Sprintf("%T", src)}
	}
	for i, v := range items {
		if sink.Instance(i, "", func() (any, error) { return v, nil }) {
			continue
		}
		dst, err := sink.Element(i)
		if err != nil {
			return err
		}
		if err := assign(dst, v); err != nil {
			if _, ok := errors.AsType[*TypeError](err); !ok {
				return err
			}
			if err := sink.Misfit(i, err); err != nil {
				return err
			}
		}
	}
	return nil
}
