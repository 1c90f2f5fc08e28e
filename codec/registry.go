package codec

import (
	"reflect"
	"sync"
)

// A DecodeFunc makes a Go value of a class dict. attrs holds the dict's other keys.
type DecodeFunc func(class string, attrs *Dict) (any, error)

// An EncodeFunc gives the form that v travels in: a *Dict with the key __class__, whose order is
// kept, or any plain value.
type EncodeFunc func(v any, d Dialect) (any, error)

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
	parent   *Registry
	plans    sync.Map // reflect.Type -> EncodeFunc or nil: what Encoder found
}

// Default is the registry that is used where no other is named. Packages of this module register the
// classes of Pyro itself here.
var Default = newRegistry(nil)

// NewRegistry returns a registry that knows what Default knows, and what is registered with it.
func NewRegistry() *Registry { return newRegistry(Default) }

func newRegistry(parent *Registry) *Registry {
	return &Registry{
		decode: map[string]DecodeFunc{},
		encode: map[reflect.Type]EncodeFunc{},
		parent: parent,
	}
}

// RegisterDecoder has fn read instances of class, a name like "mymodule.MyClass". The last
// registration for a class wins.
func (r *Registry) RegisterDecoder(class string, fn DecodeFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decode[class] = fn
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
	r.plans.Clear()
}

// RegisterFallback adds fn to the functions that are asked, in order, about unknown classes.
func (r *Registry) RegisterFallback(fn FallbackFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fallback = append(r.fallback, fn)
}
