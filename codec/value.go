package codec

// A Tuple is a Python tuple.
type Tuple []any

// An Object is an instance of a Python class that no converter was registered for. It is written as
// it was read: its attributes, then the key __class__.
type Object struct {
	Class string
	Attrs map[string]any

	// Reduction is how pickle makes an instance that takes more than its attributes to make; nil for
	// others. Serializers other than pickle refuse an Object that has one.
	Reduction *Reduction
}

// A Reduction is what Python's object.__reduce_ex__ gave for an instance. The class, or function,
// that makes it is the Class of the Object, or the class that Args begins with.
type Reduction struct {
	// Call tells that Class is called with Args. Else the instance is made by __new__ alone. A call
	// can do anything in the Python that unpickles it: unless Class is known to be harmless, an
	// Object with Call is written only with [Options.PickleCalls].
	Call   bool
	Args   Tuple
	Kwargs *Dict // with __new__; nil if there are none
	State  any   // if it is no dict of attributes; else it is the Attrs of the Object
	Items  []any // appended to the instance
	Pairs  *Dict // set in the instance
}

// A Global is the name of a Python class, function or constant that stands for itself in a pickle,
// or for Ellipsis in marshal: "builtins.Ellipsis". Nothing is ever imported for it.
type Global string

// A Value is a Go value, or an encoded one together with what it takes to decode it. Clients hand Go
// values down, and the transport encodes them once the connection is known; servers get encoded
// ones and decode them into the types of their functions.
//
// An encoded Value is valid as long as what it was given with says: on a server until the endpoint
// returns.
type Value struct {
	v    any
	raw  []byte
	c    Codec
	opts *Options
}

// ValueOf returns a Value that holds v.
func ValueOf(v any) Value { return Value{v: v} }

// RawValue returns a Value that holds data, encoded by c. data is not copied.
func RawValue(data []byte, c Codec, o *Options) Value { return Value{raw: data, c: c, opts: o} }

// Encoded reports whether v is still encoded.
func (v Value) Encoded() bool { return v.c != nil }

// Raw returns the encoded bytes and their codec, or nil if v holds a Go value.
func (v Value) Raw() ([]byte, Codec) { return v.raw, v.c }

// Go returns the Go value that v holds, or nil if v is encoded.
func (v Value) Go() any { return v.v }

// Any returns the Go value, decoding it into the generic tree if need be.
func (v Value) Any() (any, error) {
	if v.c == nil {
		return v.v, nil
	}
	var out any
	err := v.c.Unmarshal(v.raw, &out, v.opts)
	return out, err
}

// Decode stores v in dst, a non-nil pointer or a [ListSink]. A Go value is stored as it is when the types
// agree; otherwise the error is a [*TypeError].
func (v Value) Decode(dst any) error {
	if v.c != nil {
		return v.c.Unmarshal(v.raw, dst, v.opts)
	}
	if sink, ok := dst.(ListSink); ok {
		return assignList(sink, v.v)
	}
	return assign(dst, v.v)
}

// Append appends the encoding of v with codec c to dst. What is encoded by c already, for the same
// dialect, is copied.
func (v Value) Append(dst []byte, c Codec, o *Options) ([]byte, error) {
	if v.c == nil {
		return c.Append(dst, v.v, o)
	}
	if v.c.Name() == c.Name() && v.Dialect() == o.dialect() {
		return append(dst, v.raw...), nil
	}
	tree, err := v.Any()
	if err != nil {
		return dst, err
	}
	return c.Append(dst, tree, o)
}

// Dialect returns the dialect that v was encoded for.
func (v Value) Dialect() Dialect { return v.opts.dialect() }

func (o *Options) dialect() Dialect {
	if o == nil {
		return 0
	}
	return o.Dialect
}
