package bind

import (
	"errors"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/fastdict"
)

// An Encoder writes Go values to a sink.
type Encoder struct {
	es      *Encoders
	sink    Sink
	special SpecialSink    // the sink, or nil
	classes ClassSink      // the sink, or nil
	o       *codec.Options // may be nil
	depth   int
	max     int
	plans   *planSet // nil until a type needs one
	names   []string // keys being sorted
	seen    map[place]struct{}
}

// Encoders hands out the encoders of one sink and keeps what was found out about types.
type Encoders struct {
	sink Sink
	form callForm
	pool sync.Pool
	sets sync.Map // *codec.Registry -> *planSet

	uriHeads [len(fastdict.URIClasses)]atomic.Pointer[[]byte]
}

// NewEncoders returns the encoders that write to s.
func NewEncoders(s Sink) *Encoders { return &Encoders{sink: s, form: callFormOf(s)} }

// scalar appends v if it is of a type that needs no encoder.
func (es *Encoders) scalar(b []byte, v any) (out []byte, ok bool) {
	switch x := v.(type) {
	case nil:
		return es.sink.None(b), true
	case string:
		out, err := es.sink.Str(b, x)
		return out, err == nil
	case bool:
		return es.sink.Bool(b, x), true
	case int:
		return es.sink.Int(b, int64(x)), true
	case int64:
		return es.sink.Int(b, x), true
	case float64:
		return es.sink.Float(b, x, 64), true
	default:
		return b, false
	}
}

// Append appends the encoding of v to b.
func (es *Encoders) Append(b []byte, v any, o *codec.Options) ([]byte, error) {
	if out, ok := es.scalar(b, v); ok {
		return out, nil
	}
	e := es.Get(o)
	out, err := e.Any(b, v)
	es.Put(e)
	if err != nil {
		return b, err
	}
	return out, nil
}

// Get returns an encoder that follows o. Put gives it back.
func (es *Encoders) Get(o *codec.Options) *Encoder {
	e, _ := es.pool.Get().(*Encoder)
	if e == nil {
		e = &Encoder{es: es, sink: es.sink}
		e.special, _ = es.sink.(SpecialSink)
		e.classes, _ = es.sink.(ClassSink)
	}
	e.o, e.depth, e.max = o, 0, o.Depth()
	return e
}

// Put gives back an encoder.
func (es *Encoders) Put(e *Encoder) {
	e.o, e.plans, e.seen = nil, nil, nil
	clear(e.names[:cap(e.names)])
	e.names = e.names[:0]
	es.pool.Put(e)
}

func (es *Encoders) plansOf(r *codec.Registry) *planSet {
	version := r.Version()
	if s, ok := es.sets.Load(r); ok {
		if s := s.(*planSet); s.version == version { //nolint:forcetypeassert // nothing else is stored
			return s
		}
	}
	s := &planSet{sink: es.sink, registry: r, version: version}
	es.sets.Store(r, s)
	return s
}

func (e *Encoder) dialect() codec.Dialect {
	if e.o == nil {
		return 0
	}
	return e.o.Dialect
}

// Any appends v. The types that need no plan come first.
func (e *Encoder) Any(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return e.sink.None(b), nil
	case string:
		return e.sink.Str(b, x)
	case bool:
		return e.sink.Bool(b, x), nil
	case int:
		return e.sink.Int(b, int64(x)), nil
	case int64:
		return e.sink.Int(b, x), nil
	case float64:
		return e.sink.Float(b, x, 64), nil
	case []any:
		return e.list(b, List, x)
	case codec.Tuple:
		return e.list(b, Tuple, x)
	case map[string]any:
		return mapOf(e, b, x, (*Encoder).Any)
	case []byte:
		return e.sink.Bytes(b, x, e.o)
	case []string:
		return sliceFrom(e, b, x, func(e *Encoder, b []byte, s string) ([]byte, error) { return e.sink.Str(b, s) })
	case *codec.Dict:
		if x == nil {
			return e.sink.None(b), nil
		}
		return e.dict(b, x)
	case *fastdict.Texts:
		return e.textDict(b, x)
	case fastdict.PlainURI:
		u := x.URI()
		return e.uriState(b, &u)
	case *fastdict.URI:
		return e.uriState(b, x)
	case codec.Set:
		return e.set(b, x)
	case codec.Value:
		return e.value(b, x)
	case codec.Object:
		return e.object(b, x)
	case *big.Int:
		if x == nil {
			return e.sink.None(b), nil
		}
		return e.sink.BigInt(b, x)
	}
	r := reflect.ValueOf(v)
	return e.plan(r.Type())(e, b, r)
}

// plan returns how values of type t are written.
func (e *Encoder) plan(t reflect.Type) encodeFunc {
	if e.plans == nil {
		e.plans = e.es.plansOf(e.o.Classes())
	}
	return e.plans.of(t)
}

// List appends items as a list or tuple.
func (e *Encoder) List(b []byte, k Kind, items []any) ([]byte, error) { return e.list(b, k, items) }

func (e *Encoder) list(b []byte, k Kind, items []any) (out []byte, err error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	forget := false
	if len(items) > 0 && e.depth >= cycleDepth {
		if forget, err = e.watch(placeOf(reflect.ValueOf(items))); err != nil {
			return b, err
		}
	}
	b = e.sink.Begin(b, k, len(items))
	for i, v := range items {
		b = e.sink.Sep(b, k, i)
		if b, err = e.Any(b, v); err != nil {
			return b, encodeUnderIndex(err, i)
		}
	}
	if forget {
		delete(e.seen, placeOf(reflect.ValueOf(items)))
	}
	e.depth--
	return e.sink.End(b, k, len(items)), nil
}

func sliceFrom[T any](e *Encoder, b []byte, items []T, elem func(*Encoder, []byte, T) ([]byte, error)) (out []byte, err error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	b = e.sink.Begin(b, List, len(items))
	for i, v := range items {
		b = e.sink.Sep(b, List, i)
		if b, err = elem(e, b, v); err != nil {
			return b, encodeUnderIndex(err, i)
		}
	}
	e.depth--
	return e.sink.End(b, List, len(items)), nil
}

// enter counts a container that begins.
func (e *Encoder) enter() error {
	e.depth++
	if e.depth > e.max {
		return &codec.LimitError{What: "nesting of what is to be written", Limit: int64(e.max), Option: "MaxDepth"}
	}
	return nil
}

// cycleDepth is the depth from which on an encoder watches for containers inside themselves. What
// is in a cycle comes by again before the limit is reached.
const cycleDepth = 50

// A place is where a value stands that can be part of a cycle.
type place struct {
	p unsafe.Pointer
	t reflect.Type
}

func placeOf(v reflect.Value) place { return place{v.UnsafePointer(), v.Type()} }

// watch remembers that the container at p is being written, if it stands deep enough.
func (e *Encoder) watch(p place) (forget bool, err error) {
	if e.depth < cycleDepth {
		return false, nil
	}
	if _, ok := e.seen[p]; ok {
		return false, Refuse(e.sink, "circular reference")
	}
	if e.seen == nil {
		e.seen = map[place]struct{}{}
	}
	e.seen[p] = struct{}{}
	return true, nil
}

// dict appends d in its order.
func (e *Encoder) dict(b []byte, d *codec.Dict) ([]byte, error) {
	if e.classes != nil {
		if class, ok := d.Get(codec.ClassKey); ok {
			return e.instanceDict(b, class, d)
		}
	}
	if err := e.enter(); err != nil {
		return b, err
	}
	forget, err := e.watch(placeOf(reflect.ValueOf(d)))
	if err != nil {
		return b, err
	}
	b = e.sink.Begin(b, Dict, d.Len())
	i := 0
	for k, v := range d.All() {
		b = e.sink.Sep(b, Dict, i)
		if b, err = e.key(b, k, Dict); err != nil {
			return b, encodeUnder(err, "key")
		}
		if b, err = e.Any(e.sink.Colon(b), v); err != nil {
			return b, encodeUnder(err, keyText(k))
		}
		i++
	}
	if forget {
		delete(e.seen, placeOf(reflect.ValueOf(d)))
	}
	e.depth--
	return e.sink.End(b, Dict, d.Len()), nil
}

func (e *Encoder) textDict(b []byte, d *fastdict.Texts) ([]byte, error) {
	for key := range d.All() {
		if key == codec.ClassKey {
			return e.Any(b, dictOf(d)) // which may be an instance
		}
	}
	err := e.enter()
	if err != nil {
		return b, err
	}
	b = e.sink.Begin(b, Dict, d.Len())
	i := 0
	for key, value := range d.All() {
		if b, err = e.sink.Str(e.sink.Sep(b, Dict, i), key); err != nil {
			return b, encodeUnder(err, "key")
		}
		if b, err = e.sink.Str(e.sink.Colon(b), value); err != nil {
			return b, encodeUnder(err, key)
		}
		i++
	}
	e.depth--
	return e.sink.End(b, Dict, d.Len()), nil
}

func dictOf(d *fastdict.Texts) *codec.Dict {
	return codec.DictOf(func(yield func(string, any) bool) {
		for key, value := range d.All() {
			if !yield(key, value) {
				return
			}
		}
	})
}

// uriState appends the dict of an instance, or the instance in the sink's own form.
func (e *Encoder) uriState(b []byte, s *fastdict.URI) (out []byte, err error) {
	if e.classes != nil || e.depth+2 > e.max { // which says so
		return e.Any(b, dictOfURI(s, e.dialect()))
	}
	out = b
	out = append(out, e.es.uriHead(e.dialect())...)
	for i, text := range [...]string{s.Protocol, s.Object, s.Socket, s.Host} {
		out = e.sink.Sep(out, Tuple, i)
		if text == "" && i > 1 {
			out = e.sink.None(out)
		} else if out, err = e.sink.Str(out, text); err != nil {
			return b, encodeUnder(encodeUnderIndex(err, i), "state")
		}
	}
	out = e.sink.Sep(out, Tuple, 4)
	if s.Host == "" {
		out = e.sink.None(out)
	} else {
		out = e.sink.Int(out, int64(s.Port))
	}
	return e.sink.End(e.sink.End(out, Tuple, 5), Dict, 2), nil
}

// uriHead is what all URIs begin with in a dialect: it is made once.
func (es *Encoders) uriHead(d codec.Dialect) []byte {
	place := &es.uriHeads[uriClass(d)]
	if head := place.Load(); head != nil {
		return *head
	}
	e := &Encoder{sink: es.sink}
	head, _ := e.class(es.sink.Begin(nil, Dict, 2), fastdict.URIClasses[uriClass(d)], 0) // every sink takes plain ASCII
	head, _ = es.sink.Str(es.sink.Sep(head, Dict, 1), "state")
	head = es.sink.Begin(es.sink.Colon(head), Tuple, 5)
	place.Store(&head)
	return head
}

// uriClass returns which of fastdict.URIClasses a dialect has.
func uriClass(d codec.Dialect) int {
	if d == codec.Pyro4 {
		return 0
	}
	return 1
}

func dictOfURI(s *fastdict.URI, d codec.Dialect) *codec.Dict {
	var socket, host, port any
	if s.Socket != "" {
		socket = s.Socket
	}
	if s.Host != "" {
		host, port = s.Host, s.Port
	}
	return codec.NewDict(codec.ClassKey, fastdict.URIClasses[uriClass(d)], "state", codec.Tuple{s.Protocol, s.Object, socket, host, port})
}

func keyText(k any) string {
	switch x := k.(type) {
	case string:
		return x
	case int64:
		return "[" + strconv.FormatInt(x, 10) + "]"
	}
	return "[...]"
}

func (e *Encoder) set(b []byte, s codec.Set) (out []byte, err error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	k := Set
	if s.Frozen {
		k = FrozenSet
	}
	b = e.sink.Begin(b, k, s.Len())
	i := 0
	for m := range s.All() {
		b = e.sink.Sep(b, k, i)
		if b, err = e.key(b, m, Set); err != nil {
			return b, encodeUnder(err, "member")
		}
		i++
	}
	e.depth--
	return e.sink.End(b, k, s.Len()), nil
}

// key appends a dict's key or a set's member.
func (e *Encoder) key(b []byte, k any, of Kind) ([]byte, error) {
	if s, ok := k.(string); ok {
		return e.sink.Str(b, s)
	}
	start := len(b)
	kind := kindOf(k)
	if kind == Invalid && (e.special == nil || specialEncode(reflect.TypeOf(k)) == nil) {
		kind = goKind(reflect.ValueOf(k))
	}
	b, err := e.Any(b, k)
	if err != nil || kind == Str {
		return b, err
	}
	return e.sink.Key(b, start, kind, of)
}

// goKind tells what a key of a type without a kind of its own is written as.
func goKind(v reflect.Value) Kind {
	switch {
	case v.Type().Implements(textMarshalerType):
		return Str
	case v.CanInt(), v.CanUint():
		if v.Type() == durationType {
			return Float
		}
		return Int
	case v.CanFloat():
		return Float
	case v.CanComplex():
		return Complex
	}
	switch v.Kind() {
	case reflect.String:
		return Str
	case reflect.Bool:
		return Bool
	case reflect.Struct:
		if fieldsOf(v.Type()).tuple {
			return Tuple
		}
		if v.Type() == timeType {
			return Str
		}
	case reflect.Array:
		return List
	}
	return Invalid
}

// object appends an instance: its attributes by name, then its class.
func (e *Encoder) object(b []byte, x codec.Object) (out []byte, err error) {
	if e.classes != nil {
		return e.instance(b, x)
	}
	if x.Reduction != nil {
		return b, Refuse(e.sink, "an instance of "+x.Class+" that is more than its attributes; pickle knows such")
	}
	if err := e.enter(); err != nil {
		return b, err
	}
	base := len(e.names)
	for name := range x.Attrs {
		if name != codec.ClassKey {
			e.names = append(e.names, name)
		}
	}
	names := sortNames(e.names[base:])
	n := len(names) + 1
	b = e.sink.Begin(b, Dict, n)
	for i, name := range names {
		if b, err = e.sink.Str(e.sink.Sep(b, Dict, i), name); err != nil {
			return b, err
		}
		if b, err = e.Any(e.sink.Colon(b), x.Attrs[name]); err != nil {
			return b, encodeUnder(err, name)
		}
	}
	e.names = e.names[:base]
	if b, err = e.class(b, x.Class, n-1); err != nil {
		return b, err
	}
	e.depth--
	return e.sink.End(b, Dict, n), nil
}

// instance appends an instance in the sink's own form.
func (e *Encoder) instance(b []byte, x codec.Object) ([]byte, error) {
	attrs := new(codec.Dict)
	for _, name := range sortNames(slices.Collect(maps.Keys(x.Attrs))) {
		if name != codec.ClassKey {
			attrs.Set(name, x.Attrs[name])
		}
	}
	return e.instanceOf(b, x.Class, attrs, x.Reduction)
}

// instanceDict appends the instance that a dict with the key __class__ stands for.
func (e *Encoder) instanceDict(b []byte, class any, d *codec.Dict) ([]byte, error) {
	name, ok := class.(string)
	if !ok {
		return b, Refuse(e.sink, "the name of a class must be text")
	}
	attrs := new(codec.Dict)
	for k, v := range d.All() {
		if k != codec.ClassKey {
			attrs.Set(k, v)
		}
	}
	return e.instanceOf(b, name, attrs, nil)
}

func (e *Encoder) instanceOf(b []byte, class string, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	b, err := e.classes.Instance(e, b, class, attrs, r)
	e.depth--
	return b, err
}

// class appends key and name of a class.
func (e *Encoder) class(b []byte, class string, i int) (out []byte, err error) {
	if b, err = e.sink.Str(e.sink.Sep(b, Dict, i), codec.ClassKey); err != nil {
		return b, err
	}
	return e.sink.Str(e.sink.Colon(b), class)
}

// value appends a Value: what it holds, or the bytes that it consists of where they fit.
func (e *Encoder) value(b []byte, x codec.Value) ([]byte, error) {
	raw, c := x.Raw()
	if c == nil {
		return e.Any(b, x.Go())
	}
	if c.Name() == e.sink.Name() && x.Dialect() == e.dialect() {
		out, ok, err := e.sink.Splice(b, raw, e.o)
		if ok || err != nil {
			return out, err
		}
	}
	tree, err := x.Any()
	if err != nil {
		return b, &codec.EncodeError{Codec: e.sink.Name(), Msg: err.Error(), Cause: err}
	}
	return e.Any(b, tree)
}

func (e *Encoder) time(b []byte, t time.Time) ([]byte, error) {
	var buf [48]byte
	return e.sink.Str(b, string(appendTime(buf[:0], t)))
}

// encodeUnder adds where err happened to its path.
func encodeUnder(err error, segment string) error {
	if err == nil {
		return nil
	}
	const longest = 200 // of a path: enough to find the place, also in a cycle
	var x *codec.EncodeError
	if errors.As(err, &x) && len(x.Path) < longest {
		x.Path = joinPath(segment, x.Path)
	}
	return err
}

func encodeUnderIndex(err error, i int) error { return encodeUnder(err, "["+strconv.Itoa(i)+"]") }

// EncodeUnder adds a place to the path of err, for serializers that walk arguments.
func EncodeUnder(err error, segment string) error { return encodeUnder(err, segment) }
