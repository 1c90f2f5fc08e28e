package service

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/transport"
)

// A Service is an object that callers know by name: methods and properties that were named one by one. Its
// functions are called concurrently, also by the caller of one connection if that is a [Proxy].
//
// It is best built before it is added to a Server, which reports all that is wrong with it. Members may come
// and go later, too, while calls run: each is checked then as before ([Service.Err]), calls find the new
// ones at once, and proxies that connect from then on are told of them.
//
// While a running server answers for it, a *Service that is an argument, a result or an item, at whatever
// depth, travels as a proxy, and so does the pointer that [Of] was given. A *Service that no server
// answers for cannot be passed on; such a pointer is written as what it is.
type Service struct {
	name      string
	class     string // of AsClass
	generated bool   // the name was made up
	value     any    // that Of was given, if it is a pointer
	instances *instances
	metadata  []string

	members atomic.Pointer[members] // replaced, never changed

	mu   sync.Mutex // held while members are replaced; guards errs
	errs []error
}

// members are what a Service has at one time.
type members struct {
	methods map[string]*method
	attrs   map[string]*property
	exposed func() *transport.ObjectMetadata // as a handshake tells them
}

// New returns a Service without members. name is its object id, and the name that it is announced under.
// With an empty name it gets an id of its own, "obj_" and 32 hexadecimal digits as Pyro makes them, and is
// not announced.
func New(name string) *Service {
	s := &Service{}
	s.members.Store(newMembers(map[string]*method{}, map[string]*property{}))
	return s.Named(name)
}

func newMembers(methods map[string]*method, attrs map[string]*property) *members {
	m := &members{methods: methods, attrs: attrs}
	m.exposed = sync.OnceValue(m.list)
	return m
}

// change replaces the members by those that edit makes of a copy. what names what is changed, in errors.
func (s *Service) change(what string, edit func(*members) error) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.members.Load()
	next := newMembers(maps.Clone(old.methods), maps.Clone(old.attrs))
	if err := edit(next); err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s: %w", what, err))
		return s
	}
	s.members.Store(next)
	return s
}

func checkName(name string) error {
	switch {
	case strings.ContainsAny(name, "@ \t\r\n\f\v"):
		return fmt.Errorf("name %q holds '@' or white space, which no URI can carry", name)
	default:
		return nil
	}
}

// Of returns a Service with every exported method of v, by its name in snake_case: GetFortune is
// get_fortune; [Names] has other names. Its own name is the type's in snake_case until Named changes it. Method
// signatures that cannot be called from Python are reported by Server.Add.
func Of(v any, opts ...ExposeOption) *Service {
	t := reflect.TypeOf(v)
	if t == nil {
		return New("nil").fail(errors.New("service.Of(nil)"))
	}
	base := t
	if base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	s := New(SnakeCase(base.Name()))
	if t.Kind() == reflect.Pointer { // what has an identity
		s.value = v
	}
	return s.Expose(v, opts...)
}

// Named changes the service's name, which it must not do once the service was added. With an empty name it
// gets an id of its own, as [New] says.
func (s *Service) Named(name string) *Service {
	s.name, s.generated = name, name == ""
	if s.generated {
		id := uuid.New()
		s.name = "obj_" + hex.EncodeToString(id[:])
	}
	return s
}

// AsClass has errors about arguments and members read as those of the Python class that the service takes the place of,
// for callers who look at them: its methods count self and are said with the class, as in "Shop.buy() takes 3 positional
// arguments but 4 were given".
func (s *Service) AsClass(name string) *Service {
	s.class = name
	return s
}

// typeName is what errors about members call the class of the service: Python's __name__, which the __qualname__ of a
// class within another one ends with.
func (s *Service) typeName() string {
	name := s.className()
	if s.class != "" {
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return name
}

// className is what errors about arguments call the class of the service.
func (s *Service) className() string {
	if s.class != "" {
		return s.class
	}
	return s.name
}

// Expose adds every exported method of v, named in snake_case or as [Names] has it. Method and Property may then take the name
// of one of them for another function, or for the same one with options.
func (s *Service) Expose(v any, opts ...ExposeOption) *Service {
	rv := reflect.ValueOf(v)
	t := rv.Type()
	if t.NumMethod() == 0 {
		return s.fail(fmt.Errorf("%s has no exported methods", t))
	}
	cfg, taken := newExposeConfig(opts), map[string]string{}
	for i := range t.NumMethod() {
		m := t.Method(i)
		name, err := cfg.method(m.Name, taken)
		if err != nil {
			return s.fail(err)
		}
		if name == "" {
			continue
		}
		s.Method(name, rv.Method(i).Interface(), as(t.String()+"."+m.Name, sourceOf(t, m)))
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

// Method makes fn, any function or method value, callable as name:
//
//   - It may take a context.Context first, in which [transport.FromContext] finds the call. It ends with the
//     caller's connection, and when a [Proxy] gives the call up; that of a one-way call ends with the server, that of
//     an iterator with the iterator.
//   - Then come any parameters that Python values can become (package codec says how), the last of them
//     variadic, like Python's *args. No channels, no functions, no interfaces but any and error.
//   - It may return nothing (None), one value, several (a tuple), or an iter.Seq or iter.Seq2 alone (a remote
//     iterator; an iter.Seq2[T, error] ends at its first error, any other iter.Seq2 gives tuples of two).
//   - An error after those is raised at the caller as [transport.NewError] says. So is a panic, as a
//     RuntimeError that tells nothing of it.
//
// Go keeps no names of parameters, so callers pass them by position, all of them, until [Params] names
// them: then keyword arguments and a [Default] work, too. [KwargsStruct] has the last parameter take all
// keyword arguments, [Oneway] tells callers not to wait, [Callback] has errors logged here, too. What is wrong
// with fn or its options, [Server.Add] reports, and so does [Service.Err]: Method returns the service, for
// chaining.
//
// Where the service has instances ([PerSession] and its siblings), fn may be a method expression of their
// type, such as (*Counter).Add: it is called with the instance.
//
// Names that Python keeps private are refused: those that begin with an underscore, except those with two
// at either end that mean something there, such as __len__ and __getitem__.
func (s *Service) Method(name string, fn any, opts ...MethodOption) *Service {
	_, file, line, _ := runtime.Caller(1)
	return s.change("method "+name, func(have *members) error {
		m, err := planMethod(name, fn, s.instances, opts)
		if err == nil {
			err = have.free(name)
		}
		if err != nil {
			return err
		}
		m.service = s
		m.locate(file, line)
		delete(have.attrs, name)
		have.methods[name] = m
		return nil
	})
}

// Property makes an attribute, which Python's callers read and set as proxy.name and Go's with [Get] and [Set].
// get is a func() T or func(context.Context) T, with or without an error after T; set, which may be nil for an
// attribute that is only read, takes a T and may return an error. Both may be method expressions, as Method
// has it, and they are called at the same time by different callers, as methods are.
func (s *Service) Property(name string, get, set any) *Service {
	_, file, line, _ := runtime.Caller(1)
	return s.change("property "+name, func(have *members) error {
		p, err := planProperty(name, get, set, s.instances)
		if err == nil {
			err = have.free(name)
		}
		if err != nil {
			return err
		}
		p.locate(file, line)
		delete(have.methods, name)
		have.attrs[name] = p
		return nil
	})
}

// Unexpose takes methods and properties back. Calls that run go on. A name that is not there is passed over.
func (s *Service) Unexpose(names ...string) *Service {
	return s.change("unexpose", func(have *members) error {
		for _, name := range names {
			delete(have.methods, name)
			delete(have.attrs, name)
		}
		return nil
	})
}

// free tells why a member cannot have a name, if so. What Expose found makes room.
func (m *members) free(name string) error {
	if name == "" {
		return errors.New("a member needs a name")
	}
	if isPrivate(name) {
		return errors.New("the name is private in Pyro: nobody could call it")
	}
	if there := m.methods[name]; there != nil && !there.found || m.attrs[name] != nil {
		return errors.New("there is a member of this name already")
	}
	return nil
}

func (s *Service) fail(err error) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
	return s
}

// Err returns all that is wrong with the service, joined: what Server.Add reports, and what came since.
func (s *Service) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(append(slices.Clone(s.errs), checkName(s.name))...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("service %s: %w", s.name, err)
}

// exposed lists the members as a handshake tells them.
func (s *Service) exposed() *transport.ObjectMetadata { return s.members.Load().exposed() }

func (m *members) list() *transport.ObjectMetadata {
	all := &transport.ObjectMetadata{Methods: []string{}, Oneway: []string{}, Attrs: []string{}}
	for name, method := range m.methods {
		all.Methods = append(all.Methods, name)
		if method.oneway {
			all.Oneway = append(all.Oneway, name)
		}
	}
	for name := range m.attrs {
		all.Attrs = append(all.Attrs, name)
	}
	slices.Sort(all.Methods)
	slices.Sort(all.Oneway)
	slices.Sort(all.Attrs)
	return all
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
