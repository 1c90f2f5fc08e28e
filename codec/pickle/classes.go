package pickle

import (
	"encoding/base64"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Instance appends an instance. Without a reduction it is made of its attributes, without a call of
// anything: but for exceptions, which are made by calling their class, and Pyro's own objects, whose
// class dicts hold the same as their pickles in other types.
func (w writer) Instance(e *bind.Encoder, b []byte, class string, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	if r != nil {
		if (builtinException(class) || pyroStates[class] != nil) && !mayCall(e.Options()) { // not as Python writes one
			return b, refuseParts(w, class)
		}
		return w.reduced(e, b, class, attrs, r)
	}
	if marked, _ := attrs.Get(keyException); marked == true || builtinException(class) {
		return w.exception(e, b, class, attrs)
	}
	if state, ok := attrs.Get(keyState); ok && attrs.Len() == 1 {
		if parts, isState := stateParts(class, state); isState {
			return w.pyroState(e, b, class, parts)
		}
	}
	if err := w.mayNew(class, nil, e.Options()); err != nil {
		return b, err
	}
	if isHarmless(class) && !isPlain(attrs, deepest) && !mayCall(e.Options()) {
		return b, refuseParts(w, class)
	}
	b, err := w.class(b, class)
	if err != nil {
		return b, err
	}
	return w.attributes(e, append(b, opEmptyTuple, opNewObj), attrs)
}

// attributes appends the state that sets attrs, if there are any.
func (w writer) attributes(e *bind.Encoder, b []byte, attrs *codec.Dict) (out []byte, err error) {
	if attrs.Len() == 0 {
		return b, nil
	}
	b = w.Begin(b, bind.Dict, attrs.Len())
	for k, v := range attrs.All() {
		attr, ok := k.(string)
		if !ok {
			return b, bind.Refuse(w, "the name of an attribute must be text")
		}
		if b, err = w.Str(b, attr); err != nil {
			return b, err
		}
		if b, err = e.Any(b, v); err != nil {
			return b, bind.EncodeUnder(err, attr)
		}
	}
	return append(w.End(b, bind.Dict, attrs.Len()), opBuild), nil
}

// class appends the name of a class.
func (w writer) class(b []byte, class string) ([]byte, error) {
	module, qualified, ok := splitClass(class)
	if !ok || !isIdentifier(module) || !isIdentifier(qualified) || w.protocol < 3 && !isASCII([]byte(class)) {
		return b, &codec.EncodeError{Codec: name, Msg: "not a class in a module: " + strconv.Quote(class)}
	}
	if w.protocol >= 4 {
		return w.global(b, module, qualified), nil
	}
	names := strings.Split(qualified, ".")
	members := names[1:]
	for range members {
		b = w.builtin(b, "getattr")
	}
	b = w.global(b, module, names[0])
	for _, member := range members {
		b = append(w.nativeText(b, member), opTuple2, opReduce)
	}
	return b, nil
}

// named appends a global that stands for itself.
func (w writer) named(b []byte, class string, o *codec.Options) ([]byte, error) {
	if !isHarmless(class) && !mayCall(o) {
		return b, refuseValue(codec.Global(class), class+" is not known to be harmless (option PickleCalls)")
	}
	return w.class(b, class)
}

func mayCall(o *codec.Options) bool { return o != nil && o.PickleCalls }

// exception appends a call of the class with the arguments, and then the attributes.
func (w writer) exception(e *bind.Encoder, b []byte, class string, attrs *codec.Dict) ([]byte, error) {
	var args codec.Tuple
	given, _ := attrs.Get(keyArgs)
	switch x := given.(type) {
	case codec.Tuple:
		args = x
	case []any:
		args = x
	}
	if iteratesArgs[class] && !mayCall(e.Options()) && len(args) > 1 && !isPlain(args[1], 1) && !isSequence(args[1]) {
		return b, refuseParts(w, class)
	}
	red := &codec.Reduction{Call: true, Args: args}
	d := new(codec.Dict)
	given, _ = attrs.Get(keyAttributes)
	switch x := given.(type) {
	case *codec.Dict:
		for k, v := range x.All() {
			d.Set(k, v)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			d.Set(k, x[k])
		}
	}
	if !mayCall(e.Options()) {
		for _, k := range actingAttributes {
			d.Delete(k)
		}
	}
	return w.reduced(e, b, class, d, red)
}

// iteratesArgs are the exceptions that iterate their second argument. A proxy would connect.
var iteratesArgs = setOf(`builtins.BaseExceptionGroup builtins.ExceptionGroup builtins.IndentationError builtins.SyntaxError
	builtins.TabError`)

func isSequence(v any) bool {
	switch v.(type) {
	case codec.Tuple, []any:
		return true
	}
	return false
}

// actingAttributes are what Python does not only keep of an exception: it iterates what is to be its arguments, which
// came already, and imports a module to suggest another name in it when it prints a traceback.
var actingAttributes = [...]string{keyArgs, "name_from"}

// reduced appends an instance as its reduction says.
func (w writer) reduced(e *bind.Encoder, b []byte, class string, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	if err := w.check(class, r, e.Options()); err != nil {
		return b, err
	}
	switch {
	case isReconstruction(class, r):
		return w.reconstruction(e, b, attrs, r)
	case isDtype(class, r) && !mayCall(e.Options()):
		return w.checkedDtype(b, r)
	}
	withKwargs := !r.Call && r.Kwargs.Len() > 0
	if withKwargs && w.protocol < 4 {
		b = w.global(b, "copyreg", "__newobj_ex__")
	}
	b, err := w.class(b, class)
	if err != nil {
		return b, err
	}
	if b, err = e.List(b, bind.Tuple, r.Args); err != nil {
		return b, bind.EncodeUnder(err, keyArgs)
	}
	switch {
	case r.Call:
		b = append(b, opReduce)
	case !withKwargs:
		b = append(b, opNewObj)
	default:
		if b, err = e.Any(b, r.Kwargs); err != nil {
			return b, bind.EncodeUnder(err, "kwargs")
		}
		if w.protocol < 4 {
			b = append(b, opTuple3, opReduce)
		} else {
			b = append(b, opNewObjEx)
		}
	}
	return w.stated(e, b, attrs, r)
}

const reconstructor = "copyreg._reconstructor"

// isReconstruction reports whether r calls copyreg._reconstructor with a class, a builtin base class and
// what makes the part of an instance that is the base class: nothing of the class itself is called.
func isReconstruction(class string, r *codec.Reduction) bool {
	if class != reconstructor || !r.Call || len(r.Args) != 3 {
		return false
	}
	_, named := r.Args[0].(codec.Global)
	base, _ := r.Args[1].(codec.Global)
	return named && strings.HasPrefix(string(base), "builtins.") && harmlessNames[string(base)]
}

func (w writer) reconstruction(e *bind.Encoder, b []byte, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	b = w.global(b, "copyreg", "_reconstructor")
	for _, arg := range r.Args[:2] {
		class, _ := arg.(codec.Global)
		var err error
		if b, err = w.class(b, string(class)); err != nil {
			return b, err
		}
	}
	b, err := e.Any(b, r.Args[2])
	if err != nil {
		return b, bind.EncodeUnder(err, keyArgs)
	}
	return w.stated(e, append(b, opTuple3, opReduce), attrs, r)
}

// stated appends what an instance that was made is filled with, and its state.
func (w writer) stated(e *bind.Encoder, b []byte, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	b, err := w.fill(e, b, r)
	if err != nil {
		return b, err
	}
	if r.State == nil {
		return w.attributes(e, b, attrs)
	}
	b, err = e.Any(b, r.State)
	return append(b, opBuild), bind.EncodeUnder(err, keyState)
}

// fill appends what is put into an instance.
func (w writer) fill(e *bind.Encoder, b []byte, r *codec.Reduction) (out []byte, err error) {
	if len(r.Items) > 0 {
		b = append(b, opMark)
		for i, v := range r.Items {
			if b, err = e.Any(b, v); err != nil {
				return b, bind.EncodeUnder(err, "["+strconv.Itoa(i)+"]")
			}
		}
		b = append(b, opAppends)
	}
	if r.Pairs.Len() > 0 {
		b = append(b, opMark)
		for k, v := range r.Pairs.All() {
			if b, err = e.Pair(b, k, v); err != nil {
				return b, err
			}
		}
		b = append(b, opSetItems)
	}
	return b, nil
}

// deepest is how deep plain data may nest that something is made of.
const deepest = 20

// check refuses what would have Python do more than make a value.
func (w writer) check(class string, r *codec.Reduction, o *codec.Options) error {
	switch {
	case mayCall(o), r.Call && builtinException(class):
		return nil
	case isReconstruction(class, r):
		made, _ := r.Args[0].(codec.Global)
		if !isPlain(r.Args[2], deepest) {
			return refuseParts(w, string(made))
		}
		return w.mayNew(string(made), nil, o)
	case r.Call && !isHarmlessCall(class):
		return bind.Refuse(w, "a call of "+class+" is not known to be harmless (option PickleCalls)")
	case isHarmless(class) && !isHarmlessMaking(class, r):
		return refuseParts(w, class)
	case r.Call:
		return nil
	}
	return w.mayNew(class, r.Args, o)
}

func refuseParts(w writer, class string) error {
	return bind.Refuse(w, "what this "+class+" is made of is not known to be harmless (option PickleCalls)")
}

// mayNew refuses an instance, made without a call, that may do more than to keep values.
func (w writer) mayNew(class string, args codec.Tuple, o *codec.Options) error {
	if mayCall(o) || mayMake(class, o) && !makesClass(args) {
		return nil
	}
	return bind.Refuse(w, "an instance of "+class+" is not known to be harmless (option PickleCalls, or register the class)")
}

// isHarmlessMaking reports whether what an instance of a harmless class is made of is plain data, which the
// class may look at.
func isHarmlessMaking(class string, r *codec.Reduction) bool {
	switch {
	case !isPlain(r.Args, deepest) || !isPlain(r.Kwargs, deepest):
		return false
	case !r.Call && strings.HasPrefix(class, "numpy."): // an array may take bytes for addresses of objects
		return false
	case !r.Call && strings.HasPrefix(class, "builtins.") && len(r.Args) > 0: // bytes of a number take as many
		return false
	case class == "fractions.Fraction" && !areShort(r.Args), startsFull(class, r):
		return false
	case keepsElements(class, r):
		return true
	}
	return isPlain(r.State, deepest)
}

// isPlain reports whether v is plain data, which does nothing when it is looked at.
func isPlain(v any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch x := v.(type) {
	case nil, bool, int, int64, *big.Int, float64, complex128, string, []byte, codec.Global,
		time.Time, time.Duration, codec.Date, codec.TimeOfDay, codec.Decimal, uuid.UUID, codec.Array, codec.NDArray:
		return true
	case codec.Tuple:
		return arePlain(x, depth)
	case []any:
		return arePlain(x, depth)
	case codec.Set:
		return arePlain(slices.Collect(x.All()), depth)
	case map[string]any:
		return arePlain(slices.Collect(maps.Values(x)), depth)
	case *codec.Dict:
		for k, v := range x.All() {
			if k == codec.ClassKey || !isPlain(k, depth-1) || !isPlain(v, depth-1) {
				return false
			}
		}
		return true
	case codec.Object: // such as the type of a numpy array
		r := x.Reduction
		return r != nil && r.Call && harmlessCalls[x.Class] && !strings.HasPrefix(x.Class, "builtins.") &&
			!strings.HasSuffix(x.Class, "Network") && // which would be all of its addresses
			isPlain(r.Args, depth-1) && isPlain(r.State, depth-1) && len(x.Attrs) == 0 && len(r.Items) == 0 && r.Pairs.Len() == 0
	}
	return false
}

// areShort reports whether none of the parts of a fraction has an exponent, which would make it long.
func areShort(args codec.Tuple) bool {
	for _, v := range args {
		switch x := v.(type) {
		case int64, *big.Int:
		case string:
			if strings.ContainsAny(x, "eE") {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func arePlain(items []any, depth int) bool {
	for _, v := range items {
		if !isPlain(v, depth-1) {
			return false
		}
	}
	return true
}

// stateParts returns the state of one of Pyro's own objects.
func stateParts(class string, state any) (parts codec.Tuple, ok bool) {
	if pyroStates[class] == nil {
		return nil, false
	}
	switch x := state.(type) {
	case codec.Tuple:
		return x, true
	case []any:
		return x, true
	}
	return nil, false
}

// handshakes are the places, in the states of proxies, of what may be any value: they are only kept. Of the others Python
// takes text, bytes and the names of methods, and looks at them: at a proxy that stands there, which then connects.
var handshakes = map[string]int{
	"Pyro4.core.Proxy": 6, "Pyro5.client.Proxy": 4,
	"Pyro4.core.URI": -1, "Pyro5.core.URI": -1, "Pyro4.core.Daemon": -1, "Pyro5.server.Daemon": -1,
}

// pyroState appends a URI, proxy or daemon as Pyro pickles it.
func (w writer) pyroState(e *bind.Encoder, b []byte, class string, state codec.Tuple) ([]byte, error) {
	for i, v := range state {
		if i != handshakes[class] && !isPlain(v, deepest) && !mayCall(e.Options()) {
			return b, bind.EncodeUnder(refuseParts(w, class), keyState+"["+strconv.Itoa(i)+"]")
		}
	}
	b, err := w.class(b, class)
	if err != nil {
		return b, err
	}
	b = append(b, opEmptyTuple, opNewObj)
	switch class {
	case "Pyro4.core.Daemon":
		return append(b, opEmptyDict, opBuild), nil
	case "Pyro4.core.Proxy":
		if n := len(state); n != proxyShort && n != proxyLong {
			return b, bind.Refuse(w, "the state of a proxy has "+strconv.Itoa(n)+" elements")
		}
		if b, err = w.proxyState(e, append(b, opMark), state); err != nil {
			return b, err
		}
		return append(b, opTuple, opBuild), nil
	}
	b, err = e.List(b, bind.Tuple, state)
	return append(b, opBuild), bind.EncodeUnder(err, keyState)
}

// proxyState appends the state of a Pyro4 proxy with a URI object, sets of names and the raw HMAC key.
func (w writer) proxyState(e *bind.Encoder, b []byte, state codec.Tuple) (out []byte, err error) {
	for i, v := range state {
		switch {
		case i == proxyURI:
			b, err = w.uri(e, b, v)
		case i <= proxyAttrs:
			b, err = w.nameSet(e, b, v)
		case i == proxyKey:
			b, err = e.Any(b, rawKey(v))
		default:
			b, err = e.Any(b, v)
		}
		if err != nil {
			return b, bind.EncodeUnder(err, keyState+"["+strconv.Itoa(i)+"]")
		}
	}
	return b, nil
}

// uri appends a URI given as text.
func (w writer) uri(e *bind.Encoder, b []byte, v any) ([]byte, error) {
	s, _ := v.(string)
	state, ok := parseURI(s)
	if !ok {
		return b, bind.Refuse(w, "a proxy without a URI")
	}
	return w.pyroState(e, b, "Pyro4.core.URI", state)
}

func (w writer) nameSet(e *bind.Encoder, b []byte, v any) ([]byte, error) {
	var names []any
	switch x := v.(type) {
	case codec.Tuple:
		names = x
	case []any:
		names = x
	case codec.Set:
		return e.Any(b, x)
	default:
		return b, bind.Refuse(w, "a proxy whose names are no tuple")
	}
	var s codec.Set
	for _, n := range names {
		if err := s.Put(n); err != nil {
			return b, bind.Refuse(w, err.Error())
		}
	}
	return e.Any(b, s)
}

// rawKey undoes the base64 of an HMAC key.
func rawKey(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, keyPrefix))
	if err != nil || !strings.HasPrefix(s, keyPrefix) {
		return []byte(s)
	}
	return key
}
