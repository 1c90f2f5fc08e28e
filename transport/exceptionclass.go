package transport

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// An ExceptionClass says how the Go errors of type T and the exceptions of a Python class stand for each
// other; see [RegisterException].
type ExceptionClass[T error] struct {
	// Class is the Python class with its module, as in "shop.errors.SoldOut".
	Class string
	// Code is the code of such errors on either side; 0 means CodeUnknown.
	Code Code
	// Encode gives the arguments and further attributes that the exception is raised with; nil means the
	// error's text as the only argument.
	Encode func(err T) (args []any, attrs map[string]any)
	// Decode makes a T of an exception that came: of its arguments, attributes and message. Where it is nil
	// or fails, the exception stays an *Error without a T.
	Decode func(e *Error) (T, error)
}

// RegisterException has errors of type T travel as exceptions of a Python class, in both directions and in
// the whole program. A method that returns a T, wrapped or not, raises the class with the arguments that
// Encode gives; an exception of the class is, as ever, an *Error, and errors.As finds a T in it.
//
// Only classes that the Python callers know should be registered: a class that a Python client cannot make
// costs it the connection. They know builtins and Pyro's own, and what they were told of with Pyro's
// register_dict_to_class. RegisterException panics if class or type are registered already, or the class
// has no module. It is called before the first call is made.
func RegisterException[T error](c ExceptionClass[T]) {
	code := c.Code
	if code == 0 {
		code = CodeUnknown
	}
	converter := &exceptionConverter{class: c.Class, code: code}
	converter.encode = func(err error) ([]any, map[string]any) {
		own, _ := err.(T) //nolint:errorlint // found by its type
		if c.Encode == nil {
			return []any{err.Error()}, nil
		}
		return c.Encode(own)
	}
	if c.Decode != nil {
		converter.decode = func(e *Error) (error, error) { return c.Decode(e) }
	}
	exceptions.add(reflect.TypeFor[T](), converter)
}

// An exceptionConverter is an ExceptionClass of whatever type.
type exceptionConverter struct {
	class  string
	code   Code
	encode func(error) ([]any, map[string]any)
	decode func(*Error) (error, error)
}

// exceptions are the classes that were registered.
var exceptions exceptionTable

type exceptionTable struct {
	mu      sync.RWMutex // guards what follows
	classes map[string]*exceptionConverter
	types   map[reflect.Type]*exceptionConverter
	ifaces  []reflect.Type // those of types that are interfaces
}

func (t *exceptionTable) add(typ reflect.Type, c *exceptionConverter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !strings.Contains(c.class, "."):
		panic(fmt.Sprintf("transport: RegisterException: class %q has no module", c.class))
	case t.classes[c.class] != nil:
		panic("transport: RegisterException: class " + c.class + " is registered already")
	case t.types[typ] != nil:
		panic("transport: RegisterException: type " + typ.String() + " is registered already")
	case typ == reflect.TypeFor[*Error](), typ == reflect.TypeFor[error]():
		panic("transport: RegisterException: " + typ.String() + " stands for every exception")
	}
	if t.classes == nil {
		t.classes, t.types = map[string]*exceptionConverter{}, map[reflect.Type]*exceptionConverter{}
	}
	t.classes[c.class], t.types[typ] = c, c
	if typ.Kind() == reflect.Interface {
		t.ifaces = append(t.ifaces, typ)
	}
}

func (t *exceptionTable) ofClass(class string) *exceptionConverter {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.classes[class]
}

func (t *exceptionTable) ofType(typ reflect.Type) *exceptionConverter {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if c := t.types[typ]; c != nil {
		return c
	}
	for _, i := range t.ifaces {
		if typ.Implements(i) {
			return t.types[i]
		}
	}
	return nil
}

// find returns the outermost error in err's tree whose type is registered.
func (t *exceptionTable) find(err error) (c *exceptionConverter, found error) {
	t.mu.RLock()
	none := len(t.types) == 0
	t.mu.RUnlock()
	if none {
		return nil, nil //nolint:nilnil // none is found, and that is no error
	}
	walk(err, func(e error) bool {
		if c = t.ofType(reflect.TypeOf(e)); c != nil {
			found = e
		}
		return c == nil
	})
	return c, found
}

// registered gives an error that names no class the class of a registered error beneath it.
func (e *Error) registered() *Error {
	if e.Class != "" || e.cause == nil {
		return e
	}
	c, own := exceptions.find(e.cause)
	if c == nil {
		return e
	}
	r := *e
	r.Class, r.Code = c.class, c.code
	r.Args, r.Attrs = c.encode(own)
	return &r
}

// convert makes the Go error that stands for an exception which came.
func (e *Error) convert() {
	c := exceptions.ofClass(e.Class)
	if c == nil {
		return
	}
	e.Code = c.code
	if c.decode == nil {
		return
	}
	whole := *e // a T that keeps it must not lead back to e
	if own, err := c.decode(&whole); err == nil {
		e.cause = own
	}
}

// maxWalk bounds the errors of a tree that are looked at.
const maxWalk = 64

// walk visits err and the errors that it wraps, in the order of errors.Is, until visit returns false.
func walk(err error, visit func(error) bool) {
	left := maxWalk
	var each func(error) bool
	each = func(err error) bool {
		if err == nil {
			return true
		}
		if left--; left < 0 || !visit(err) {
			return false
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				if !each(e) {
					return false
				}
			}
			return true
		}
		return each(errors.Unwrap(err))
	}
	each(err)
}

// asRemote returns the *Error for what a decoder of a codec.Registry made of an exception that came.
func asRemote(err error) *Error {
	e := *AsError(err)
	e.Remote = true
	return &e
}

// Received returns the error that a peer raised, as its codec decoded it: an *Error with Remote set, whose
// chain has what a decoder of a [codec.Registry] made. It returns nil if v is no error.
func Received(v any) *Error {
	switch x := v.(type) {
	case *Error:
		return x
	case error:
		return asRemote(x)
	case codec.Object: // a class that says not that it is an exception
		if r := x.Reduction; r != nil { // in a pickle any call may be one
			return exceptionOf(x.Class, codec.NewDict(keyArgs, r.Args, keyAttrs, x.Attrs))
		}
		return &Error{Code: CodeUnknown, Class: x.Class, Message: literal.String(x.Attrs), Attrs: x.Attrs, Remote: true}
	default:
		return nil
	}
}
