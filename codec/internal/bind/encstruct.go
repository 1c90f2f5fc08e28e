package bind

import (
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
)

// An encodeField is a field of a struct with its key, encoded already.
type encodeField struct {
	field
	first, rest []byte // the key as the first of the dict, and as any other
	write       encodeFunc
}

// structPlan writes structs as dicts, as tuples if they are tagged so, as instances if class is not
// empty.
func (s *planSet) structPlan(t reflect.Type, class string) encodeFunc {
	list := fieldsOf(t)
	var fields []encodeField
	omits := false
	for _, f := range list.fields {
		key, err := s.sink.Str(nil, f.name)
		if err != nil {
			return func(_ *Encoder, b []byte, _ reflect.Value) ([]byte, error) {
				return b, &codec.EncodeError{Codec: s.sink.Name(), Type: t, Msg: "the name of field " + f.name, Cause: err}
			}
		}
		fields = append(fields, encodeField{
			field: f,
			first: s.sink.Colon(append(s.sink.Sep(nil, Dict, 0), key...)),
			rest:  s.sink.Colon(append(s.sink.Sep(nil, Dict, 1), key...)),
			write: s.of(f.typ),
		})
		omits = omits || f.omitEmpty || len(f.index) > 1
	}
	if list.tuple {
		return structTuple(fields)
	}
	p := structEncoder{fields: fields, class: class, omits: omits}
	return p.write
}

type structEncoder struct {
	fields []encodeField
	class  string
	omits  bool // some fields may be left out
}

func (p *structEncoder) write(e *Encoder, b []byte, v reflect.Value) (out []byte, err error) {
	if p.class != "" && e.classes != nil {
		return e.instanceOf(b, p.class, p.attrs(v), nil)
	}
	if err := e.enter(); err != nil {
		return b, err
	}
	n := p.count(v)
	b = e.sink.Begin(b, Dict, n)
	i := 0
	for k := range p.fields {
		f := &p.fields[k]
		fv, there := f.in(v)
		if !there {
			continue
		}
		if i == 0 {
			b = append(b, f.first...)
		} else {
			b = append(b, f.rest...)
		}
		if b, err = f.write(e, b, fv); err != nil {
			return b, encodeUnder(err, f.name)
		}
		i++
	}
	if p.class != "" {
		if b, err = e.class(b, p.class, i); err != nil {
			return b, err
		}
	}
	e.depth--
	return e.sink.End(b, Dict, n), nil
}

// attrs returns the fields of v that are written.
func (p *structEncoder) attrs(v reflect.Value) *codec.Dict {
	d := new(codec.Dict)
	for i := range p.fields {
		if fv, there := p.fields[i].in(v); there {
			d.Set(p.fields[i].name, fv.Interface())
		}
	}
	return d
}

// count returns the number of keys that will be written.
func (p *structEncoder) count(v reflect.Value) int {
	n := len(p.fields)
	if p.omits {
		n = 0
		for i := range p.fields {
			if _, there := p.fields[i].in(v); there {
				n++
			}
		}
	}
	if p.class != "" {
		n++
	}
	return n
}

// in returns the field of v, and whether it is to be written.
func (f *encodeField) in(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		v = v.Field(f.index[0])
	} else {
		v = at(v, f.index, false)
	}
	return v, v.IsValid() && !(f.omitEmpty && isEmpty(v))
}

// isEmpty is what encoding/json takes for empty, and a zero time.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return v.Type() == timeType && v.IsZero()
	default:
		return v.IsZero()
	}
}

func structTuple(fields []encodeField) encodeFunc {
	return func(e *Encoder, b []byte, v reflect.Value) (out []byte, err error) {
		if err := e.enter(); err != nil {
			return b, err
		}
		b = e.sink.Begin(b, Tuple, len(fields))
		for i := range fields {
			b = e.sink.Sep(b, Tuple, i)
			fv := at(v, fields[i].index, false)
			if !fv.IsValid() {
				b = e.sink.None(b)
				continue
			}
			if b, err = fields[i].write(e, b, fv); err != nil {
				return b, encodeUnder(err, fields[i].name)
			}
		}
		e.depth--
		return e.sink.End(b, Tuple, len(fields)), nil
	}
}
