package codec

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
)

// A DecodeFunc makes a Go value of a class dict. attrs holds the dict's other keys, in order; what
// in them is a class dict itself is a *Dict that [ConvertDict] converts.
type DecodeFunc func(class string, attrs *Dict) (any, error)

// An EncodeFunc gives the form that v travels in: a *Dict with the key __class__, whose order is
// kept, any plain value, or a [FormFunc]. With [ErrAsIs] v is written as if it were not registered.
type EncodeFunc func(v any, d Dialect) (any, error)

// A FormFunc is what an EncodeFunc returns for a value whose form depends on the serializer: it is given
// the serializer's name and returns the form. The pickle family is "pickle"; package literal, which prints
// for people, is "literal".
type FormFunc func(serializer string) any

// ErrAsIs is returned by an EncodeFunc to have a value written as if the function were not there.
var ErrAsIs = errors.New("codec: write the value as it is")

// A FallbackFunc is asked about classes that no DecodeFunc is registered for; ok tells whether v
// stands for it.
type FallbackFunc func(class string, attrs *Dict) (v any, ok bool, err error)

// A Registry converts classes. The functions of a Registry may be called at any time and
// concurrently; a registered function may be called concurrently too.
type Registry struct {
	mu       sync.RWMutex // guards what follows
	decode   map[string]DecodeFunc
	encode   map[reflect.Type]EncodeFunc
	ifaces   []reflect.Type // interface types of encode, in the order of registration
	fallback []FallbackFunc
	types    map[string]reflect.Type // of RegisterType
	classes  map[reflect.Type]string // the same, the other way round

	parent  *Registry
	version atomic.Uint64
}

// Default is the registry that is used where no other is named. Packages of this module register the
// classes of Pyro itself here.
var Default = newRegistry(nil)

// NewRegistry returns a registry that knows what Default knows, and what is registered with it.
func NewRegistry() *Registry { return newRegistry(Default) }

func newRegistry(parent *Registry) *Registry {
	return &Registry{
		decode:  map[string]DecodeFunc{},
		encode:  map[reflect.Type]EncodeFunc{},
		types:   map[string]reflect.Type{},
		classes: map[reflect.Type]string{},
		parent:  parent,
	}
}

// RegisterDecoder has fn read instances of class, a name like "mymodule.MyClass". The last
// registration for a class wins.
func (r *Registry) RegisterDecoder(class string, fn DecodeFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decode[class] = fn
	delete(r.types, class)
	r.version.Add(1)
}

// RegisterEncoder has fn write values of type t, or, if t is an interface type, of every type that
// implements it and has no encoder of its own.
func (r *Registry) RegisterEncoder(t reflect.Type, fn EncodeFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.encode[t]; !known && t.Kind() == reflect.Interface {
		r.ifaces = append(r.ifaces, t)
	}
	r.encode[t] = fn
	delete(r.classes, t)
	r.version.Add(1)
}

// RegisterFallback adds fn to the functions that are asked, in order, about unknown classes.
func (r *Registry) RegisterFallback(fn FallbackFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fallback = append(r.fallback, fn)
	r.version.Add(1)
}

// RegisterType has the struct type T travel as an instance of class, both ways: its fields are the
// attributes. Where a destination does not say otherwise, an instance is read as a T; T may be a
// pointer to a struct to get pointers. It panics when T is neither.
func RegisterType[T any](r *Registry, class string) {
	t := reflect.TypeFor[T]()
	s := t
	if t.Kind() == reflect.Pointer {
		s = t.Elem()
	}
	if s.Kind() != reflect.Struct {
		panic("codec: RegisterType needs a struct type, not " + t.String())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.types[class] = t
	r.classes[s] = class
	delete(r.decode, class)
	delete(r.encode, s)
	r.version.Add(1)
}

// Version changes with every registration, the parent's included: what was looked up stays right as
// long as it is the same.
func (r *Registry) Version() uint64 {
	n := uint64(0)
	for ; r != nil; r = r.parent {
		n += r.version.Load()
	}
	return n
}

// Decoder returns the function that reads instances of class, or the type that RegisterType gave
// it; neither if the class is not known. The nearest registry that knows the class decides.
func (r *Registry) Decoder(class string) (DecodeFunc, reflect.Type) {
	for ; r != nil; r = r.parent {
		r.mu.RLock()
		fn, t := r.decode[class], r.types[class]
		r.mu.RUnlock()
		if fn != nil || t != nil {
			return fn, t
		}
	}
	return nil, nil
}

// Encoder returns the function that writes values of type t, or the class that RegisterType gave
// it; nil and "" if the type is not registered.
func (r *Registry) Encoder(t reflect.Type) (EncodeFunc, string) {
	for q := r; q != nil; q = q.parent {
		q.mu.RLock()
		fn, class := q.encode[t], q.classes[t]
		q.mu.RUnlock()
		if fn != nil || class != "" {
			return fn, class
		}
	}
	for q := r; q != nil; q = q.parent {
		if fn := q.interfaceEncoder(t); fn != nil {
			return fn, ""
		}
	}
	return nil, ""
}

func (r *Registry) interfaceEncoder(t reflect.Type) EncodeFunc {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, i := range r.ifaces {
		if t.Implements(i) {
			return r.encode[i]
		}
	}
	return nil
}

// Fallback asks the fallbacks about class, those of the nearest registry first.
func (r *Registry) Fallback(class string, attrs *Dict) (any, bool, error) {
	for ; r != nil; r = r.parent {
		r.mu.RLock()
		fns := r.fallback // only ever appended to
		r.mu.RUnlock()
		for _, fn := range fns {
			if v, ok, err := fn(class, attrs); ok || err != nil {
				return v, ok, err
			}
		}
	}
	return nil, false, nil
}
