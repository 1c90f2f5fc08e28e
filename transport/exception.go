package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// Keys of an exception's class dict (Pyro's SerializerBase.class_to_dict).
const (
	keyClass     = "__class__"
	keyException = "__exception__"
	keyArgs      = "args"
	keyAttrs     = "attributes"
	keyTraceback = "_pyroTraceback"
)

const builtins = "builtins."

// builtinExceptions are the exceptions that every supported Python turns back into real ones when
// called with any arguments. Those that would end a client's process or generator (SystemExit,
// KeyboardInterrupt, GeneratorExit) are never sent, those that insist on certain arguments only with them
// (see rebuilds).
var builtinExceptions = setOf(`ArithmeticError AssertionError AttributeError BaseException
	BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError
	ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError
	EnvironmentError Exception FileExistsError FileNotFoundError FloatingPointError FutureWarning
	IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError
	KeyError LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError
	NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError
	ProcessLookupError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning
	StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError TabError TimeoutError
	TypeError UnboundLocalError UnicodeError UnicodeWarning UserWarning ValueError Warning
	ZeroDivisionError`)

// syntaxExceptions take as a second argument nothing but where the mistake is.
var syntaxExceptions = setOf(`SyntaxError IndentationError TabError`)

// isPlace tells what Python takes for the place of a mistake: file, line, column and text, and perhaps where
// it ends.
func isPlace(v any) bool {
	n := len(asSlice(v))
	return n == 4 || n == 6
}

// pyroExceptions are the classes of Pyro4.errors and Pyro5.errors.
var pyroExceptions = setOf(`PyroError CommunicationError ConnectionClosedError TimeoutError
	ProtocolError MessageTooLargeError SerializeError NamingError DaemonError SecurityError`)

// silentExceptions are those of pyroExceptions that a daemon answers with silence when a method
// raises them, and what is raised in their place.
var silentExceptions = map[string]string{
	"TimeoutError":          "TimeoutError",
	"CommunicationError":    "ConnectionError",
	"ConnectionClosedError": "ConnectionError",
	"ProtocolError":         "RuntimeError",
	"MessageTooLargeError":  "RuntimeError",
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// qualify completes a bare class name: builtins first, then Pyro's own.
func qualify(class string) string {
	switch {
	case strings.Contains(class, "."):
		return class
	case !builtinExceptions[class] && pyroExceptions[class]:
		return "Pyro5.errors." + class
	default:
		return builtins + class
	}
}

// pyroClass returns the bare name of one of Pyro's own exceptions.
func pyroClass(class string) (string, bool) {
	for _, prefix := range [...]string{"Pyro5.errors.", "Pyro4.errors."} {
		if name, ok := strings.CutPrefix(class, prefix); ok && pyroExceptions[name] {
			return name, true
		}
	}
	return "", false
}

// outgoing returns the class and arguments that e is sent with to a peer of dialect d.
func (e *Error) outgoing(d codec.Dialect, serializer string) (class string, args codec.Tuple) {
	args = codec.Tuple(e.Args)
	if args == nil && e.Message != "" {
		args = codec.Tuple{e.Message}
	}
	if name, ok := pyroClass(e.Class); ok {
		if d == codec.Pyro4 {
			return "Pyro4.errors." + name, args
		}
		return "Pyro5.errors." + name, args
	}
	name, ok := strings.CutPrefix(e.Class, builtins)
	switch {
	case ok && syntaxExceptions[name] && len(args) > 1 && !isPlace(args[1]):
		return e.Class, codec.Tuple{e.Message}
	case ok && (builtinExceptions[name] || rebuilds(name, e.Args, serializer)), exceptions.ofClass(e.Class) != nil:
		return e.Class, args
	case e.Class != "":
		return builtins + "RuntimeError", codec.Tuple{e.Class + e.detail()}
	default:
		return builtins + e.classOfCode(), args
	}
}

// rebuilds reports whether Python makes the builtin exception name of args as serializer carries them: a
// Unicode error takes str, bytes and int at fixed places, a group a list of exceptions, which most
// serializers leave dicts.
func rebuilds(name string, args []any, serializer string) bool {
	switch name {
	case "UnicodeDecodeError":
		u, ok := unicodeArgsOf(args)
		_, isBytes := u.object.([]byte)
		return ok && isBytes && serializer != "serpent" && serializer != "json"
	case "UnicodeEncodeError":
		u, ok := unicodeArgsOf(args)
		_, isText := u.object.(string)
		return ok && isText
	case "UnicodeTranslateError":
		u, ok := unicodeArgsOf(append([]any{""}, args...))
		_, isText := u.object.(string)
		return ok && isText
	case "ExceptionGroup", "BaseExceptionGroup":
		switch serializer {
		case "msgpack", "pickle", "literal":
			return isGroup(args) && (name == "BaseExceptionGroup" || !holdsBase(args[1]))
		}
	}
	return false
}

// isGroup reports whether args are a text and one or more exceptions.
func isGroup(args []any) bool {
	if len(args) != 2 {
		return false
	}
	_, named := args[0].(string)
	members := asSlice(args[1])
	for _, m := range members {
		if _, ok := m.(error); !ok {
			return false
		}
	}
	return named && len(members) > 0
}

// holdsBase reports whether one of a group's members is a BaseException, which an ExceptionGroup refuses.
func holdsBase(members any) bool {
	for _, m := range asSlice(members) {
		if e, ok := m.(*Error); ok && strings.HasPrefix(e.Class, builtins+"BaseException") {
			return true
		}
	}
	return false
}

// detail is what follows the class of an exception in a text about it: its message and, of a group, what
// is in it.
func (e *Error) detail() string {
	text := ""
	if e.Message != "" {
		text = ": " + e.Message
	}
	if isGroup(e.Args) {
		text += ": " + literal.String(e.Args[1])
	}
	return text
}

// classOfCode chooses the exception for an error that names no class.
func (e *Error) classOfCode() string {
	switch e.Code {
	case CodeInvalidArgument, CodeOutOfRange:
		if _, ok := errors.AsType[*codec.TypeError](e.cause); ok {
			return "TypeError"
		}
		return "ValueError"
	case CodeNotFound:
		if errors.Is(e.cause, fs.ErrNotExist) {
			return "FileNotFoundError"
		}
		return "LookupError"
	case CodePermissionDenied, CodeUnauthenticated:
		return "PermissionError"
	case CodeDeadlineExceeded:
		return "TimeoutError"
	case CodeUnimplemented:
		return "NotImplementedError"
	default:
		return "RuntimeError"
	}
}

// Raised returns the error as a method may raise it: of an error whose type is registered
// ([RegisterException]) it makes one of its class, of Pyro's own communication errors, which a daemon
// would answer with silence, builtin ones.
func (e *Error) Raised() *Error {
	e = e.registered()
	name, _ := pyroClass(e.Class)
	instead, silent := silentExceptions[name]
	if !silent {
		return e
	}
	c := *e
	c.Class = builtins + instead
	if instead != name {
		c.Args = []any{name + ": " + e.Message}
	}
	return &c
}

// EndsConnection reports whether a daemon closes the connection after it has sent the exception, as it
// does after its own SerializeError and SecurityError.
func (e *Error) EndsConnection() bool {
	name, _ := pyroClass(e.Class)
	return name == "SerializeError" || name == "SecurityError"
}

// deniedMember begins Pyro's texts for members that are private or not exposed.
const deniedMember = "attempt to access "

// codeOfNaming tells a name that is not there from what else name servers, and those who look for one, call a NamingError:
// who cannot be asked has not said that a name is unknown.
func codeOfNaming(message string) Code {
	for _, known := range []struct {
		text string
		code Code
	}{
		{"invalid regex", CodeInvalidArgument},
		{"name already registered", CodeAlreadyExists},
		{"Failed to locate the nameserver", CodeUnavailable},
		// Of this project's name server:
		{"storage: ", CodeUnavailable},
		{"the name ", CodeInvalidArgument}, // cannot be registered
		{"regex took too long", CodeDeadlineExceeded},
		{"too many watchers", CodeResourceExhausted},
		{"too many changes", CodeResourceExhausted},
		// Of Python's:
		{"sqlite error in ", CodeUnavailable},
		{"dbm error in ", CodeUnavailable},
		// Of both:
		{"DbmStorage doesn't support metadata", CodeUnimplemented},
	} {
		if strings.HasPrefix(message, known.text) {
			return known.code
		}
	}
	return CodeNotFound
}

// codeOf classes an exception by its Python class and, for attribute access, Pyro's own texts.
func codeOf(class, message string) Code {
	name, own := pyroClass(class)
	if own {
		switch name {
		case "NamingError":
			return codeOfNaming(message)
		case "DaemonError":
			if message == "unknown object" {
				return CodeNotFound
			}
			return CodeFailedPrecondition
		case "SecurityError":
			return CodePermissionDenied
		case "TimeoutError":
			return CodeDeadlineExceeded
		case "CommunicationError", "ConnectionClosedError":
			return CodeUnavailable
		case "MessageTooLargeError":
			return CodeResourceExhausted
		case "SerializeError", "ProtocolError":
			return CodeInternal
		}
		return CodeUnknown
	}
	switch strings.TrimPrefix(strings.TrimPrefix(class, builtins), "exceptions.") {
	case "TypeError", "ValueError":
		return CodeInvalidArgument
	case "IndexError", "OverflowError":
		return CodeOutOfRange
	case "LookupError", "KeyError", "FileNotFoundError":
		return CodeNotFound
	case "FileExistsError":
		return CodeAlreadyExists
	case "PermissionError":
		return CodePermissionDenied
	case "TimeoutError":
		return CodeDeadlineExceeded
	case "NotImplementedError":
		return CodeUnimplemented
	case "MemoryError":
		return CodeResourceExhausted
	case "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError":
		return CodeUnavailable
	case "AttributeError":
		if strings.HasPrefix(message, deniedMember) {
			return CodeNotFound
		}
	}
	return CodeUnknown
}

// A BatchError stands in a batch's results for the call that raised, and ends them.
type BatchError struct{ Err *Error }

func (e *BatchError) Error() string { return e.Err.Error() }

// Unwrap returns the exception.
func (e *BatchError) Unwrap() error { return e.Err }

// Classes of what a BatchError is written as.
const (
	batchError4 = "Pyro4.futures._ExceptionWrapper"
	batchError5 = "Pyro5.core._ExceptionWrapper"
)

// IsBatchError reports whether an instance of class is read as a *BatchError.
func IsBatchError(class string) bool { return class == batchError4 || class == batchError5 }

func init() { //nolint:gochecknoinits // the classes of Pyro itself: codec cannot know them, and no user should have to name them
	codec.Default.RegisterEncoder(reflect.TypeFor[error](), encodeError)
	codec.Default.RegisterEncoder(reflect.TypeFor[*BatchError](), encodeBatchError)
	codec.Default.RegisterFallback(decodeException)
	for _, class := range [...]string{batchError4, batchError5} {
		codec.Default.RegisterDecoder(class, decodeWrapper)
	}
}

func encodeError(v any, d codec.Dialect) (any, error) {
	err, _ := v.(error)
	e := AsError(err).registered()
	return codec.FormFunc(func(serializer string) any { return errorDict(e, d, serializer) }), nil
}

func errorDict(e *Error, d codec.Dialect, serializer string) *codec.Dict {
	class, args := e.outgoing(d, serializer)
	attrs := codec.NewDict()
	for _, name := range slices.Sorted(maps.Keys(e.Attrs)) {
		if !actsInPython(name) {
			attrs.Set(name, e.Attrs[name])
		}
	}
	if e.Traceback != nil { // Pyrolite stumbles over a None
		attrs.Set(keyTraceback, e.tracebackAs(class))
	}
	dict := codec.NewDict()
	dict.Set(keyClass, class)
	dict.Set(keyException, true)
	dict.Set(keyArgs, args)
	dict.Set(keyAttrs, attrs)
	return dict
}

// tracebackAs returns the traceback with the name of class, which e is sent as, in its last line: in each dialect
// Pyro's own classes have other names.
func (e *Error) tracebackAs(class string) []string {
	n := len(e.Traceback)
	if _, own := pyroClass(e.Class); !own || n == 0 || class == e.Class {
		return e.Traceback
	}
	if text, ok := strings.CutPrefix(e.Traceback[n-1], e.Class); ok {
		return append(e.Traceback[:n-1:n-1], class+text)
	}
	return e.Traceback
}

// actsInPython tells whether Python does something with an exception's attribute of this name, which it sets by what
// a message says: args is made a tuple, which asks an object for its items, be it a proxy for one elsewhere, and of
// name_from a traceback that is printed imports a module.
func actsInPython(name string) bool { return name == "args" || name == "name_from" }

func encodeBatchError(v any, d codec.Dialect) (any, error) {
	e, _ := v.(*BatchError)
	class := batchError5
	if d == codec.Pyro4 {
		class = batchError4
	}
	dict := codec.NewDict()
	dict.Set(keyClass, class)
	dict.Set("exception", e.Err)
	return dict, nil
}

func decodeWrapper(class string, attrs *codec.Dict) (any, error) {
	inner, _ := attrs.Get("exception")
	switch x := inner.(type) {
	case *Error:
		return &BatchError{Err: x}, nil
	case error:
		return &BatchError{Err: AsError(x)}, nil
	case codec.Object:
		return &BatchError{Err: Received(x)}, nil
	}
	dict := asDict(inner)
	if dict == nil {
		return nil, fmt.Errorf("%s holds no exception", class)
	}
	name, _ := dict.Get(keyClass)
	text, _ := name.(string)
	return &BatchError{Err: exceptionOf(text, dict)}, nil
}

// decodeException makes an Error of whatever says that it is an exception, and of Pyro's own classes,
// which need not say so.
func decodeException(class string, attrs *codec.Dict) (any, bool, error) {
	if _, own := pyroClass(class); !own && exceptions.ofClass(class) == nil {
		if marked, _ := attrs.Get(keyException); marked != true {
			return nil, false, nil
		}
	}
	return exceptionOf(class, attrs), true, nil
}

func exceptionOf(class string, dict *codec.Dict) *Error {
	if !strings.Contains(class, ".") { // Pyrolite and old peers send bare names
		class = bareClass(class)
	}
	if name, ok := strings.CutPrefix(class, "exceptions."); ok { // Python 2
		class = builtins + name
	}
	args, _ := dict.Get(keyArgs)
	e := &Error{Class: class, Remote: true, Args: asSlice(args)}
	e.Message = messageOf(class, e.Args)
	attrs, _ := dict.Get(keyAttrs)
	if d := asDict(attrs); d != nil {
		for k, v := range d.All() {
			name, ok := k.(string)
			switch {
			case ok && name == keyTraceback:
				e.Traceback = asLines(v)
			case ok:
				if e.Attrs == nil {
					e.Attrs = map[string]any{}
				}
				e.Attrs[name] = v
			}
		}
	}
	e.Code = codeOf(e.Class, e.Message)
	e.NoSuchMember = e.Class == attributeError && strings.HasPrefix(e.Message, deniedMember)
	e.convert()
	return e
}

const attributeError = builtins + "AttributeError"

// ForMember tells an AttributeError that came because the object has no member of this name from one that
// the member's own code raised, and has its NoSuchMember and Code say so.
func (e *Error) ForMember(name string) {
	if e.Class == attributeError && strings.HasSuffix(e.Message, " attribute '"+name+"'") {
		e.NoSuchMember, e.Code = true, CodeNotFound
	}
}

// bareClass completes a class name that came without a module: Pyro's own win there.
func bareClass(class string) string {
	if pyroExceptions[class] {
		return "Pyro5.errors." + class
	}
	return builtins + class
}

func asDict(v any) *codec.Dict {
	switch x := v.(type) {
	case *codec.Dict:
		return x
	case map[string]any:
		d := codec.NewDict()
		for k, v := range x {
			d.Set(k, v)
		}
		return d
	}
	return nil
}

func asSlice(v any) []any {
	switch x := v.(type) {
	case codec.Tuple:
		return x
	case []any:
		return x
	}
	return nil
}

func asLines(v any) []string {
	var lines []string
	for _, item := range asSlice(v) {
		if s, ok := item.(string); ok {
			lines = append(lines, s)
		}
	}
	return lines
}
