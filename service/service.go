package service

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/pyrokit/pyrokit/transport"
)

// A Service is an object that callers know by name: methods and properties that were named one by one.
// It is built before it is added to a Server, by one goroutine; after that its functions are called
// concurrently, one call at a time for each connection.
//
// While a running server answers for it, a *Service that is an argument, a result or an item, at whatever
// depth, travels as a proxy, and so does the pointer that [Of] was given. A *Service that no server
// answers for cannot be passed on; such a pointer is written as what it is.
type Service struct {
	name     string
	value    any // that Of was given, if it is a pointer
	metadata []string
	exposed  *transport.ObjectMetadata // set when it is added to a server
	methods  map[string]*method
	attrs    map[string]*property
	errs     []error
}

// New returns a Service without members. name is its object id, and the name that it is announced
// under.
func New(name string) *Service {
	return &Service{name: name, methods: map[string]*method{}, attrs: map[string]*property{}}
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a service needs a name")
	case strings.ContainsAny(name, "@ \t\r\n\f\v"):
		return fmt.Errorf("name %q holds '@' or white space, which no URI can carry", name)
	default:
		return nil
	}
}

// Of returns a Service with every exported method of v, by its name in snake_case: GetFortune is
// get_fortune. Its own name is the type's in snake_case until Named changes it. Method signatures
// that cannot be called from Python are reported by Server.Add.
func Of(v any) *Service {
	t := reflect.TypeOf(v)
	if t == nil {
		s := New("nil")
		s.fail(errors.New("service.Of(nil)"))
		return s
	}
	base := t
	if base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	s := New(snakeCase(base.Name()))
	if t.Kind() == reflect.Pointer { // what has an identity
		s.value = v
	}
	return s.Expose(v)
}

// Named changes the service's name.
func (s *Service) Named(name string) *Service {
	s.name = name
	return s
}

// Expose adds every exported method of v, named in snake_case.
func (s *Service) Expose(v any) *Service {
	rv := reflect.ValueOf(v)
	t := rv.Type()
	if t.NumMethod() == 0 {
		s.fail(fmt.Errorf("%s has no exported methods", t))
	}
	for i := range t.NumMethod() {
		m := t.Method(i)
		s.Method(snakeCase(m.Name), rv.Method(i).Interface(), as(t.String()+"."+m.Name, sourceOf(t, m)))
	}
	return s
}

// sourceOf returns where m was written: of a method of T, the one of *T is made by the compiler.
func sourceOf(t reflect.Type, m reflect.Method) uintptr {
	if t.Kind() == reflect.Pointer {
		if written, ok := t.Elem().MethodByName(m.Name); ok {
			return written.Func.Pointer()
		}
	}
	return m.Func.Pointer()
}

// Tagged adds metadata that the service is announced with.
func (s *Service) Tagged(tags ...string) *Service {
	s.metadata = append(s.metadata, tags...)
	return s
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// Method makes fn callable as name. fn may take a context.Context first, then any parameters that
// Python values decode into, the last of them variadic; it may return nothing, one value, several (a
// tuple), an iter.Seq or iter.Seq2 (a remote iterator), each with an error after it. What is wrong
// with fn, Server.Add reports.
func (s *Service) Method(name string, fn any, opts ...MethodOption) *Service {
	m, err := planMethod(name, fn, opts)
	if err == nil {
		m.locate(runtime.Caller(1))
		err = s.free(name)
	}
	if err != nil {
		s.fail(fmt.Errorf("method %s: %w", name, err))
		return s
	}
	s.methods[name] = m
	return s
}

// Property makes an attribute. get is a func() T or func(context.Context) T, with or without an error
// after T; set, which may be nil for an attribute that is only read, takes a T and may return an
// error.
func (s *Service) Property(name string, get, set any) *Service {
	p, err := planProperty(name, get, set)
	if err == nil {
		p.locate(runtime.Caller(1))
		err = s.free(name)
	}
	if err != nil {
		s.fail(fmt.Errorf("property %s: %w", name, err))
		return s
	}
	s.attrs[name] = p
	return s
}

func (s *Service) free(name string) error {
	if name == "" {
		return errors.New("a member needs a name")
	}
	if isPrivate(name) {
		return errors.New("the name is private in Pyro: nobody could call it")
	}
	if s.methods[name] != nil || s.attrs[name] != nil {
		return errors.New("there is a member of this name already")
	}
	return nil
}

func (s *Service) fail(err error) { s.errs = append(s.errs, err) }

// err joins all that is wrong with the service.
func (s *Service) err() error {
	err := errors.Join(append(s.errs, checkName(s.name))...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("service %s: %w", s.name, err)
}

// objectMetadata lists the members as a handshake tells them.
func (s *Service) objectMetadata() *transport.ObjectMetadata {
	m := &transport.ObjectMetadata{Methods: []string{}, Oneway: []string{}, Attrs: []string{}}
	for name, method := range s.methods {
		m.Methods = append(m.Methods, name)
		if method.oneway {
			m.Oneway = append(m.Oneway, name)
		}
	}
	for name := range s.attrs {
		m.Attrs = append(m.Attrs, name)
	}
	slices.Sort(m.Methods)
	slices.Sort(m.Oneway)
	slices.Sort(m.Attrs)
	return m
}

// snakeCase turns GetHTTPStatus into get_http_status.
func snakeCase(name string) string {
	r := []rune(name)
	var b strings.Builder
	for i, c := range r {
		if unicode.IsUpper(c) && i > 0 &&
			(!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) && r[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// privateDunders are the names with double underscores that Pyro keeps private in both dialects
// (Pyro5 manual, "Exposing classes, methods and properties").
var privateDunders = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`init init_subclass class module weakref call new del repr str format
		nonzero bool coerce cmp eq ne hash ge gt le lt dir enter exit copy deepcopy sizeof getattr
		setattr hasattr getattribute delattr instancecheck subclasscheck getinitargs getnewargs
		getstate setstate reduce reduce_ex subclasshook`) {
		set["__"+name+"__"] = true
	}
	return set
}()

// isPrivate tells the names that no remote caller may use.
func isPrivate(name string) bool {
	if !strings.HasPrefix(name, "_") {
		return false
	}
	dunder := len(name) > 4 && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
	return !dunder || privateDunders[name]
}
