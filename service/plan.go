package service

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/anything"
	"github.com/pyrokit/pyrokit/transport"
)

// A MethodOption says more about a method than its signature does.
type MethodOption interface{ applyToMethod(*method) error }

type methodOption func(*method) error

func (o methodOption) applyToMethod(m *method) error { return o(m) }

// Oneway declares that callers need no reply: Python clients then send one-way calls, which run in a
// goroutine of their own.
func Oneway() MethodOption {
	return methodOption(func(m *method) error {
		m.oneway = true
		return nil
	})
}

// Params names the parameters, in order, so that callers can pass them as keyword arguments. An element
// is a string, or a [Default] for a parameter that may be left out. A variadic parameter has no name, because
// Python passes what it takes by position, and neither has the one that KwargsStruct is for; errors about an
// argument name its parameter.
func Params(params ...any) MethodOption { return paramNames(params) }

// paramNames is applied after all other options, so that it does not count what KwargsStruct takes,
// whichever comes first.
type paramNames []any

func (params paramNames) applyToMethod(m *method) error {
	switch {
	case m.variadic && len(params) != len(m.params):
		return fmt.Errorf("names of parameters, not of the variadic one, which has none: want %d, got %d", len(m.params), len(params))
	case len(params) != len(m.params):
		return fmt.Errorf("names of parameters: want %d, got %d", len(m.params), len(params))
	}
	for i, p := range params {
		if err := m.params[i].describe(p); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
		for j := range i {
			if m.params[j].name == m.params[i].name {
				return fmt.Errorf("two parameters are named %s", m.params[i].name)
			}
		}
	}
	return nil
}

// A ParamDefault is a parameter that may be left out.
type ParamDefault struct {
	name  string
	value any
}

// Default names a parameter for Params and gives the value that it has when a caller leaves it out. All
// calls share it: a method must not change what a default slice or map holds.
func Default(name string, value any) ParamDefault { return ParamDefault{name, value} }

// KwargsStruct has the last parameter, a struct or a map[string]T, take all keyword arguments: in a
// struct by the field names that decoding uses. A variadic parameter comes after it: Python's
// def f(x, *args, **kwargs) is func(x any, kwargs map[string]any, args ...any).
func KwargsStruct() MethodOption {
	return methodOption(func(m *method) error {
		n := len(m.params) - 1
		if n < 0 {
			return errors.New("has no last parameter for keyword arguments")
		}
		t := m.params[n].typ
		switch {
		case t.Kind() == reflect.Struct:
			m.kwFields, m.kwFolded = fieldsByName(t)
		case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		default:
			return fmt.Errorf("keyword arguments need a struct or a map with text keys, not %s", t)
		}
		m.kwType, m.params = t, m.params[:n]
		return nil
	})
}

// as says what a method that Expose found is called in tracebacks.
func as(display string, pc uintptr) MethodOption {
	return methodOption(func(m *method) error {
		m.display, m.pc, m.found = display, pc, true
		return nil
	})
}

type param struct {
	typ      reflect.Type
	name     string
	hasValue bool
	value    reflect.Value // default
}

func (p *param) describe(v any) error {
	switch x := v.(type) {
	case string:
		p.name = x
		return nil
	case ParamDefault:
		p.name, p.hasValue = x.name, true
		if x.value == nil {
			p.value = reflect.Zero(p.typ)
			return nil
		}
		value := reflect.ValueOf(x.value)
		if !fitsDefault(value, p.typ) {
			return fmt.Errorf("default %v of %s is no %s", x.value, x.name, p.typ)
		}
		p.value = value.Convert(p.typ)
		return nil
	default:
		return fmt.Errorf("want a name or a service.Default, got %T", v)
	}
}

// fitsDefault tells whether a default can be converted; Go would convert numbers to text, too.
func fitsDefault(v reflect.Value, t reflect.Type) bool {
	sameText := (v.Kind() == reflect.String) == (t.Kind() == reflect.String)
	return v.CanConvert(t) && (sameText || t.Kind() == reflect.Interface)
}

type streamKind uint8

const (
	noStream    streamKind = iota
	streamSeq              // iter.Seq[T]
	streamSeq2             // iter.Seq2[T, error]
	streamPairs            // iter.Seq2[K, V]: tuples
)

// A method is a function with all that reflection can know of it beforehand.
type method struct {
	name     string
	service  *Service // nil of a getter or setter
	fn       reflect.Value
	pc       uintptr
	display  string // what tracebacks call the function
	file     string // where it is
	line     int
	oneway   bool
	callback bool       // its errors are logged
	found    bool       // by Expose, so that another one may take the name
	of       *instances // whose type the first parameter is; nil if fn needs no instance
	hasCtx   bool
	params   []param // without the variadic one and the one for keyword arguments
	variadic bool
	rest     reflect.Type // element of the variadic parameter
	kwType   reflect.Type
	kwFields map[string][]int
	kwFolded map[string][]int // those without a tag, in lower case
	blob     bool             // a parameter is a *SerializedBlob, which no plain value becomes
	results  int              // without the error
	hasErr   bool
	stream   streamKind
	fast     fastFunc // for the commonest signatures, without reflection

	frame  reflect.Type // a struct with a field for each argument
	frames sync.Pool    // of *callFrame
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	proxyType   = reflect.TypeFor[*Proxy]()
)

// planMethod looks at fn, whose first parameter may be an instance of the service's.
func planMethod(name string, fn any, of *instances, opts []MethodOption) (*method, error) {
	v := reflect.ValueOf(fn)
	if !v.IsValid() || v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("want a function, got %T", fn)
	}
	m := &method{name: name, fn: v, pc: v.Pointer()}
	t := v.Type()
	if of != nil && t.NumIn() > 0 && t.In(0) == of.typ {
		m.of = of
	}
	if err := m.planParams(t); err != nil {
		return nil, err
	}
	if err := m.planResults(t); err != nil {
		return nil, err
	}
	var names []MethodOption
	for _, o := range opts {
		if _, ok := o.(paramNames); ok {
			names = append(names, o)
			continue
		}
		if err := o.applyToMethod(m); err != nil {
			return nil, err
		}
	}
	for _, o := range names {
		if err := o.applyToMethod(m); err != nil {
			return nil, err
		}
	}
	if m.display == "" {
		m.display = functionAt(m.pc)
	}
	if m.of == nil && m.kwType == nil && !m.variadic && m.stream == noStream {
		m.fast = fastFor(fn)
	}
	m.planFrame()
	return m, nil
}

// functionAt names a function as stacks do. Of a method value it is the method.
func functionAt(pc uintptr) string { return strings.TrimSuffix(runtime.FuncForPC(pc).Name(), "-fm") }

// locate finds the function in the source. Of a method value only the wrapper is known, which the
// compiler made: then it is the line where it was registered.
func (m *method) locate(file string, line int) {
	m.file, m.line = runtime.FuncForPC(m.pc).FileLine(m.pc)
	if m.file == "<autogenerated>" {
		m.file, m.line = file, line
	}
}

func (m *method) planParams(t reflect.Type) error {
	first := 0
	if m.of != nil {
		first = 1
	}
	for i := first; i < t.NumIn(); i++ {
		in := t.In(i)
		switch {
		case i == first && in == contextType:
			m.hasCtx = true
		case t.IsVariadic() && i == t.NumIn()-1:
			m.variadic, m.rest = true, in.Elem()
			if err := decodable(m.rest); err != nil {
				return err
			}
		default:
			if err := decodable(in); err != nil {
				return fmt.Errorf("parameter %d: %w", i+1-first, err)
			}
			m.blob = m.blob || in == blobType
			m.params = append(m.params, param{typ: in})
		}
	}
	return nil
}

// decodable refuses the types that no Python value fits.
func decodable(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return fmt.Errorf("no Python value becomes a %s", t)
	case reflect.Interface:
		if t.NumMethod() > 0 && t != errorType {
			return fmt.Errorf("no Python value becomes a %s", t)
		}
	case reflect.Struct:
		if t == proxyType.Elem() || t == blobType.Elem() {
			return fmt.Errorf("a %s has to be taken as a pointer", t)
		}
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if t != proxyType && t != blobType && t.Elem() != t {
			return decodable(t.Elem())
		}
	}
	return nil
}

func (m *method) planResults(t reflect.Type) error {
	m.results = t.NumOut()
	if n := m.results; n > 0 && t.Out(n-1) == errorType {
		m.hasErr = true
		m.results--
	}
	for i := range m.results {
		out := t.Out(i)
		if kind := streamKindOf(out); kind != noStream {
			if m.results > 1 {
				return errors.New("an iterator must be the only result")
			}
			m.stream = kind
			continue
		}
		if out == errorType {
			return fmt.Errorf("result %d: an error must be the last result", i+1)
		}
		if k := out.Kind(); k == reflect.Func || k == reflect.Chan || k == reflect.UnsafePointer {
			return fmt.Errorf("result %d: a %s cannot be sent", i+1, out)
		}
	}
	return nil
}

// streamKindOf recognises iter.Seq and iter.Seq2, under whatever name.
func streamKindOf(t reflect.Type) streamKind {
	if t.Kind() != reflect.Func || t.NumIn() != 1 || t.NumOut() != 0 {
		return noStream
	}
	yield := t.In(0)
	if yield.Kind() != reflect.Func || yield.IsVariadic() || yield.NumOut() != 1 || yield.Out(0).Kind() != reflect.Bool {
		return noStream
	}
	switch {
	case yield.NumIn() == 1:
		return streamSeq
	case yield.NumIn() == 2 && yield.In(1) == errorType:
		return streamSeq2
	case yield.NumIn() == 2:
		return streamPairs
	default:
		return noStream
	}
}

// planFrame lays the arguments of a call out in one struct: context, parameters, keyword arguments, instance.
func (m *method) planFrame() {
	fields := []reflect.StructField{{Name: "Ctx", Type: contextType}}
	for i, p := range m.params {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("P%d", i), Type: p.typ})
	}
	if m.kwType != nil {
		fields = append(fields, reflect.StructField{Name: "Kw", Type: m.kwType})
	}
	if m.of != nil {
		fields = append(fields, reflect.StructField{Name: "Self", Type: m.of.typ})
	}
	m.frame = reflect.StructOf(fields)
}

// A callFrame holds the arguments of one call while it runs. It implements codec.ArgSink.
type callFrame struct {
	m      *method
	store  reflect.Value // of type m.frame
	ctx    *context.Context
	self   reflect.Value   // the instance
	in     []reflect.Value // what fn is called with: fields of store
	ptrs   []any           // pointers to the parameters in store
	set    []bool
	got    int
	kwPtr  reflect.Value
	kwKeys []kwEntry       // of a map for keyword arguments
	rest   []reflect.Value // variadic arguments
}

type kwEntry struct {
	key string
	val reflect.Value
}

func (m *method) newFrame() *callFrame {
	if f, ok := m.frames.Get().(*callFrame); ok {
		return f
	}
	f := &callFrame{m: m, store: reflect.New(m.frame).Elem(), set: make([]bool, len(m.params))}
	f.ctx, _ = reflect.TypeAssert[*context.Context](f.store.Field(0).Addr())
	if m.of != nil {
		f.self = f.store.Field(m.frame.NumField() - 1)
		f.in = append(f.in, f.self)
	}
	if m.hasCtx {
		f.in = append(f.in, f.store.Field(0))
	}
	for i := range m.params {
		field := f.store.Field(i + 1)
		f.in = append(f.in, field)
		f.ptrs = append(f.ptrs, field.Addr().Interface())
	}
	if m.kwType != nil {
		f.kwPtr = f.store.Field(len(m.params) + 1)
		f.in = append(f.in, f.kwPtr)
	}
	return f
}

// free gives the frame back, empty. What a function got by value it may have kept; the frame keeps
// nothing.
func (f *callFrame) free() {
	f.store.SetZero()
	clear(f.set)
	f.got = 0
	f.kwKeys, f.rest = nil, nil
	f.m.frames.Put(f)
}

func (f *callFrame) Positional(i int) (any, error) {
	f.got = i + 1
	if i < len(f.ptrs) {
		f.set[i] = true
		return f.ptrs[i], nil
	}
	if f.m.variadic {
		v := reflect.New(f.m.rest)
		f.rest = append(f.rest, v.Elem())
		return v.Interface(), nil
	}
	var ignored any
	return &ignored, nil // counted, and refused by complete with the right number
}

func (f *callFrame) Keyword(name []byte) (any, error) {
	for i := range f.m.params {
		if f.m.params[i].name != string(name) || len(name) == 0 {
			continue
		}
		if f.set[i] {
			return nil, f.m.refuse("got multiple values for argument '%s'", name)
		}
		f.set[i] = true
		return f.ptrs[i], nil
	}
	if f.m.self() == 1 && string(name) == "self" {
		return nil, f.m.refuse("got multiple values for argument 'self'")
	}
	if f.m.kwType == nil {
		return nil, f.m.refuse("got an unexpected keyword argument '%s'", name)
	}
	if f.m.kwType.Kind() == reflect.Map {
		v := reflect.New(f.m.kwType.Elem())
		f.kwKeys = append(f.kwKeys, kwEntry{string(name), v.Elem()})
		return v.Interface(), nil
	}
	index, ok := f.m.kwFields[string(name)]
	if !ok {
		index, ok = f.m.kwFolded[strings.ToLower(string(name))]
	}
	if !ok {
		return nil, f.m.refuse("got an unexpected keyword argument '%s'", name)
	}
	return f.kwPtr.FieldByIndex(index).Addr().Interface(), nil
}

func (f *callFrame) None(keywords bool) error {
	if keywords {
		return typeError("argument after ** must be a mapping, not NoneType")
	}
	return typeError("argument after * must be an iterable, not NoneType")
}

// complete fills defaults in and refuses what does not add up, in Python's words.
func (f *callFrame) complete() error {
	if f.got > len(f.ptrs) && !f.m.variadic {
		return f.m.tooMany(f.got)
	}
	var missing []string
	for i := range f.m.params {
		p := &f.m.params[i]
		switch {
		case f.set[i]:
		case p.hasValue:
			f.setDefault(i, p)
		case p.name != "":
			missing = append(missing, "'"+p.name+"'")
		default:
			missing = append(missing, fmt.Sprintf("'arg%d'", i+1))
		}
	}
	if missing != nil {
		return f.m.refuse("missing %d required positional %s: %s", len(missing), plural("argument", len(missing)), listed(missing))
	}
	if f.m.kwType != nil && f.m.kwType.Kind() == reflect.Map {
		kw := reflect.MakeMapWithSize(f.m.kwType, len(f.kwKeys))
		for _, e := range f.kwKeys {
			kw.SetMapIndex(reflect.ValueOf(e.key).Convert(f.m.kwType.Key()), e.val)
		}
		f.kwPtr.Set(kw)
	}
	return nil
}

func (f *callFrame) setDefault(i int, p *param) {
	if dst, ok := f.ptrs[i].(*any); ok { // several times as fast
		*dst = p.value.Interface()
		return
	}
	f.store.Field(i + 1).Set(p.value)
}

// refuse is the error about arguments that do not add up, in Python's words.
func (m *method) refuse(format string, args ...any) error {
	name := m.name
	if m.self() == 1 {
		name = m.service.class + "." + name
	}
	return typeError("%s() %s", name, fmt.Sprintf(format, args...))
}

// self is how many arguments Python counts that nobody has passed.
func (m *method) self() int {
	if m.service == nil || m.service.class == "" {
		return 0
	}
	return 1
}

func (m *method) tooMany(got int) error {
	least, most := m.self(), m.self()+len(m.params)
	for i := range m.params {
		if !m.params[i].hasValue {
			least = m.self() + i + 1
		}
	}
	got += m.self()
	were := "were"
	if got == 1 {
		were = "was"
	}
	if least < most {
		return m.refuse("takes from %d to %d positional arguments but %d %s given", least, most, got, were)
	}
	return m.refuse("takes %d positional %s but %d %s given", most, plural("argument", most), got, were)
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// listed is names as Python lists them: a and b; a, b, and c.
func listed(names []string) string {
	last := len(names) - 1
	switch last {
	case 0:
		return names[0]
	case 1:
		return names[0] + " and " + names[1]
	default:
		return strings.Join(names[:last], ", ") + ", and " + names[last]
	}
}

func typeError(format string, args ...any) *transport.Error {
	return transport.NewError("TypeError", fmt.Sprintf(format, args...))
}

// call decodes the arguments, calls the function and returns what it returned.
func (m *method) call(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if m.blob && call.Args.Encoded() {
		return nil, typeError("%s() takes a SerializedBlob", m.name)
	}
	f := m.newFrame()
	defer f.free()
	if err := call.Args.Decode(f); err != nil {
		if wrong := m.miscounted(call, err); wrong != nil {
			return nil, wrong
		}
		m.nameArgument(err)
		return nil, argumentError(err)
	}
	if err := f.complete(); err != nil {
		return nil, err
	}
	if m.fast != nil {
		v, err := m.fast(ctx, f.ptrs)
		if err != nil {
			return nil, err
		}
		return call.Answer(codec.ValueOf(v)), nil
	}
	return m.carryOut(ctx, call, f)
}

// carryOut calls the function with a frame that is complete, but for context and instance.
func (m *method) carryOut(ctx context.Context, call *transport.Call, f *callFrame) (*transport.Reply, error) {
	var inst *instance
	if m.of != nil {
		var err error
		if inst, err = m.of.get(ctx, call); err != nil {
			return nil, err
		}
		defer inst.release()
		f.self.Set(inst.value)
	}
	if m.stream != noStream {
		return m.callStream(ctx, f, inst)
	}
	*f.ctx = ctx
	return m.reply(call, f.call())
}

// seesCall tells whether what the program has written gets the call or its context.
func (m *method) seesCall() bool { return m.hasCtx || m.of != nil || m.stream != noStream }

func (f *callFrame) call() []reflect.Value {
	if f.rest == nil {
		return f.m.fn.Call(f.in)
	}
	return f.m.fn.Call(append(slices.Clip(f.in), f.rest...))
}

// miscounted returns what is wrong with the arguments besides one that does not fit its parameter, or nil. As in Python,
// where their number and names are looked at before any of them is, it is said first. It goes through the arguments a second
// time, so that only calls which fail pay for it, and converts none of them again.
func (m *method) miscounted(call *transport.Call, err error) error {
	if _, ok := errors.AsType[*codec.TypeError](err); !ok {
		return nil
	}
	f := m.newFrame()
	defer f.free()
	err = call.Args.Decode(counter{f, call.Args.Encoded()})
	if refused, ok := errors.AsType[*transport.Error](err); ok {
		return refused
	}
	if err != nil { // no type takes it
		return nil
	}
	return f.complete()
}

// A counter counts the arguments for a frame and takes them whatever they are.
type counter struct {
	*callFrame

	encoded bool
}

func (c counter) Positional(i int) (any, error) { return c.anyway(c.callFrame.Positional(i)) }

func (c counter) Keyword(name []byte) (any, error) { return c.anyway(c.callFrame.Keyword(name)) }

func (c counter) anyway(_ any, err error) (any, error) {
	if c.encoded {
		return new(anything.Value), err
	}
	return new(any), err
}

// nameArgument adds the name of a parameter to the path of a positional argument that does not fit it.
func (m *method) nameArgument(err error) {
	types, ok := errors.AsType[*codec.TypeError](err)
	if !ok {
		return
	}
	for i, p := range m.params {
		at := fmt.Sprintf("args[%d]", i)
		if rest, found := strings.CutPrefix(types.Path, at); found && p.name != "" {
			types.Path = at + " (" + p.name + ")" + rest
			return
		}
	}
}

// argumentError has what does not fit raised as a TypeError; errors that say their class keep it.
func argumentError(err error) error {
	if _, ok := errors.AsType[*transport.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*codec.ClassError](err); ok {
		return transport.NewError("SerializeError", err.Error())
	}
	if syntax, ok := errors.AsType[*codec.SyntaxError](err); ok {
		if syntax.Codec == "serpent" {
			return transport.NewError("SyntaxError", err.Error())
		}
		return transport.NewError("ValueError", err.Error())
	}
	return transport.NewError("TypeError", err.Error())
}

// split separates the results from the error.
func (m *method) split(out []reflect.Value) ([]reflect.Value, error) {
	if !m.hasErr {
		return out, nil
	}
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	return out[:len(out)-1], err
}

func (m *method) reply(call *transport.Call, out []reflect.Value) (*transport.Reply, error) {
	out, err := m.split(out)
	if err != nil {
		return nil, err
	}
	switch len(out) {
	case 0:
		return call.Answer(codec.Value{}), nil
	case 1:
		return call.Answer(codec.ValueOf(out[0].Interface())), nil
	default:
		tuple := make(codec.Tuple, len(out))
		for i, v := range out {
			tuple[i] = v.Interface()
		}
		return call.Answer(codec.ValueOf(tuple)), nil
	}
}

// callStream calls a function that returns an iterator. Its context outlives the call: it ends with
// the stream, and so does an instance that was made for the call.
func (m *method) callStream(ctx context.Context, f *callFrame, inst *instance) (*transport.Reply, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	*f.ctx = ctx
	out, err := m.split(f.call())
	if err != nil || out[0].IsNil() {
		cancel()
		return &transport.Reply{}, err
	}
	end := inst.outlive(cancel)
	return &transport.Reply{Stream: m.sequence(out[0], inst, end), Cancel: end}, nil
}

// sequence makes the iterator that a transport can pull from. Between two items the instance is free for
// other calls.
func (m *method) sequence(seq reflect.Value, inst *instance, end func()) iter.Seq2[any, error] {
	yieldType := seq.Type().In(0)
	return func(yield func(any, error) bool) {
		defer end()
		inst.hold()
		defer inst.release()
		each := func(in []reflect.Value) []reflect.Value {
			inst.release()
			more := m.yield(yield, in)
			inst.hold()
			return []reflect.Value{reflect.ValueOf(more).Convert(yieldType.Out(0))}
		}
		seq.Call([]reflect.Value{reflect.MakeFunc(yieldType, each)})
	}
}

func (m *method) yield(yield func(any, error) bool, in []reflect.Value) bool {
	switch m.stream {
	case streamSeq2:
		err, _ := reflect.TypeAssert[error](in[1])
		return yield(in[0].Interface(), err)
	case streamPairs:
		return yield(codec.Tuple{in[0].Interface(), in[1].Interface()}, nil)
	default:
		return yield(in[0].Interface(), nil)
	}
}

// throughPointer tells whether a promoted field lies behind an embedded pointer, which may be nil.
func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// fieldsByName maps the names that decoding gives a struct's fields to their indexes; folded has those
// without a tag in lower case, which decoding takes in any.
func fieldsByName(t reflect.Type) (fields, folded map[string][]int) {
	fields, folded = map[string][]int{}, map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || f.Anonymous || throughPointer(t, f.Index) {
			continue
		}
		name, tags := f.Name, 0
		for _, key := range [...]string{"json", "pyro"} {
			tagged, _, _ := strings.Cut(f.Tag.Get(key), ",")
			if tagged == "-" {
				name = ""
			} else if tagged != "" {
				name = tagged
				tags++
			}
		}
		if name == "" {
			continue
		}
		fields[name] = f.Index
		if tags == 0 {
			folded[strings.ToLower(name)] = f.Index
		}
	}
	return fields, folded
}
