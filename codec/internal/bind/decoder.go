package bind

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
)

// A Decoder stores the values of a source.
type Decoder struct {
	Src Source
	O   *codec.Options // may be nil

	Codec codec.Codec // for destinations of type codec.Value

	// OwnClass converts the class dicts that only this serializer has; it may be nil.
	OwnClass func(class string, d *codec.Dict) (v any, ok bool, err error)

	// InsideOut converts the class dicts within a class dict before it, as msgpack's hooks do; else
	// what is in a class dict is left as it is.
	InsideOut bool

	// Stable tells that what Src.Bytes returns is a part of the input.
	Stable bool

	// Counted tells that Src.Len is right, and that all containers of the input together announce no more
	// elements than it has bytes: memory may be taken for all of them at once.
	Counted bool

	// Room is how many bytes of memory slices, maps and pointers may take in destinations; 0 for any number.
	Room int

	asis   bool                // an any takes class dicts as they are: it stands within an instance
	taken  int                 // of Room
	within bool                // it reads what is in an instance that another Decoder reads
	made   map[*codec.Dict]any // with InsideOut, what class dicts were converted into, if they may come by again
	tree   treeReader
}

// Renew makes d ready for another value from the same source.
func (d *Decoder) Renew(o *codec.Options) {
	d.O, d.asis, d.taken, d.made = o, false, 0, nil
	t := &d.tree
	clear(t.values) // what an error left
	t.values, t.names = t.values[:0], t.names[:0]
	const maxKept = 4096
	if cap(t.values) > maxKept || cap(t.names) > maxKept {
		t.values, t.names = nil, nil
	}
}

// Decode reads the next value into dst, a non-nil pointer.
func (d *Decoder) Decode(dst any) error {
	switch p := dst.(type) { // what most arguments and results are, without reflection
	case *string:
		if p != nil {
			return d.str(p)
		}
	case *int:
		if p != nil {
			return signed(d, p)
		}
	case *int64:
		if p != nil {
			return signed(d, p)
		}
	case *float64:
		if p != nil {
			return d.float(p)
		}
	case *bool:
		if p != nil {
			return d.bool(p)
		}
	case *any:
		if p != nil {
			return d.any(p)
		}
	case *[]byte:
		if p != nil {
			return d.bytes(p)
		}
	case codec.ListSink:
		return d.list(p)
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("codec: destination must be a non-nil pointer, not %T", dst)
	}
	return decodePlan(v.Type().Elem())(d, v.Elem())
}

// any reads the generic tree.
func (d *Decoder) any(p *any) (err error) {
	if d.asis {
		*p, _, err = d.Src.Tree()
		return err
	}
	*p, err = d.converted()
	return err
}

// converted reads the generic tree with its class dicts converted.
func (d *Decoder) converted() (any, error) {
	tree, classes, err := d.Src.Tree()
	if err != nil || !classes {
		return tree, err
	}
	return d.Convert(tree)
}

// keep returns b as a value: a part of the input if that is to be shared, else a copy.
func keep(b []byte, share bool) []byte {
	if share {
		return slices.Clip(b)
	}
	return append(make([]byte, 0, len(b)), b...)
}

// shares reports whether bytes may point into the input.
func (d *Decoder) shares() bool { return d.Stable && d.O != nil && d.O.ShareInput }

func mismatch(want string, found Kind) error {
	return &codec.TypeError{Want: want, Found: found.String()}
}

// under adds where err happened to its path.
func under(err error, segment string) error {
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*codec.TypeError](err); ok {
		t.Path = joinPath(segment, t.Path)
	}
	return err
}

func underIndex(err error, i int) error { return under(err, "["+strconv.Itoa(i)+"]") }

func joinPath(segment, rest string) string {
	if rest == "" || rest[0] == '[' {
		return segment + rest
	}
	return segment + "." + rest
}

// Under adds a place to the path of err, for serializers that walk arguments.
func Under(err error, segment string) error { return under(err, segment) }
