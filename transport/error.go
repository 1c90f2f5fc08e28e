package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// An Error is what went wrong with a call, on either side of it: an exception that the remote object
// raised, or a failure on the way. errors.As finds it, and errors.Is matches it against
// [ErrTimeout] and its siblings by its Code.
type Error struct {
	Code    Code
	Class   string         // Python class, as in "builtins.ValueError"; empty if the error is this side's own
	Message string         // of an exception what Python's str() gives for it
	Args    []any          // arguments of the exception
	Attrs   map[string]any // further attributes of the exception
	// Traceback has the pieces of the remote traceback in the order Python prints them; each ends
	// in a newline and may hold several. Nil if none came.
	Traceback []string
	// Remote tells an exception that came off the wire from an error that was made here.
	Remote bool
	// NotSent is set when the request surely never left this process, or the server has said that it has not
	// carried it out, so that sending it again is safe whatever it does.
	NotSent bool
	// NoSuchMember says that the call named a method or attribute that is private, not exposed or
	// not there, whether the object's metadata told that here or the peer did; the Code is
	// CodeNotFound then. Such a name fails a whole batch.
	NoSuchMember bool

	// Panic is what a method on this side panicked with. It is for logs and never sent.
	Panic *Panic

	Op   string // what was being done, as in "call get_fortune"
	URI  string // to which object
	Peer string // at which address, in which dialect

	cause error
}

// NewError returns an error that a Python caller sees as an exception of class with args. class is a
// builtin ("ValueError" or "builtins.ValueError") or one of Pyro's own ("NamingError",
// "Pyro5.errors.NamingError"); any other class that is not registered ([RegisterException]) arrives as a
// RuntimeError that names it, because a Python client that does not know a class drops its connection.
// So do SystemExit, KeyboardInterrupt and GeneratorExit, which would end the program or generator that
// they arrive in; Unicode errors with other arguments than Python makes them of, or whose bytes the
// serializer does not carry as such (serpent, json); and groups of exceptions, which only msgpack and
// the pickles carry whole, to peers of Python 3.11 and later.
func NewError(class string, args ...any) *Error {
	class = qualify(class)
	e := &Error{Class: class, Args: args, Message: messageOf(class, args)}
	e.Code = codeOf(class, e.Message)
	return e
}

// Errorf returns an error of this side with code; %w wraps a cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Wrap returns an error of this side with code that wraps cause and has its text.
func Wrap(code Code, cause error) *Error {
	return &Error{Code: code, Message: cause.Error(), cause: cause}
}

// A Panic is what a recovered panic left.
type Panic struct {
	Value any
	Stack []byte // as runtime/debug.Stack gives it

	pcs []uintptr // the same for [Error.Stack]
}

// NewPanicError returns the error for a panic, in the deferred function that recovered it. Its text keeps
// what the panic said to this side.
func NewPanicError(value any, stack []byte) *Error {
	return &Error{Code: CodeInternal, Message: "internal error", Panic: &Panic{Value: value, Stack: stack, pcs: callers()}}
}

// Error gives what was tried, at whom, and why it failed.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		if e.URI != "" {
			b.WriteString(preposition(e.Op) + e.URI)
		}
		if e.Peer != "" {
			b.WriteString(" at " + e.Peer)
		}
		b.WriteString(": ")
	}
	if e.Class != "" {
		b.WriteString(strings.TrimPrefix(e.Class, "builtins."))
		if e.Message != "" {
			b.WriteString(": ")
		}
	}
	b.WriteString(e.Message)
	return b.String()
}

// preposition stands between what is done and the URI.
func preposition(op string) string {
	switch op {
	case "connect", "reconnect":
		return " to "
	case "resolve", "bind":
		return " "
	default:
		return " of "
	}
}

// Unwrap returns the local error beneath, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is matches the sentinels of this package by code.
func (e *Error) Is(target error) bool {
	s, ok := target.(sentinel)
	return ok && Code(s) == e.Code
}

// During returns a copy of e that says what was being done; what e says already stays.
func (e *Error) During(op, uri, peer string) *Error {
	c := *e
	if c.Op == "" {
		c.Op, c.URI, c.Peer = op, uri, peer
	}
	return &c
}

// AsError returns the *Error in err's chain, or makes one: of a context's error, of this package's
// sentinels and fs.ErrNotExist, fs.ErrPermission, fs.ErrExist by their code, of a value that does not
// fit with CodeInvalidArgument, of all else with CodeUnknown. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if error(e) == err { //nolint:errorlint // identity: is err the *Error itself, or a wrapper around it
			return e
		}
		c := *e
		c.cause = err
		if !e.Remote { // the wrapper's text has all that e says of itself
			c.Message, c.Op, c.URI, c.Peer = err.Error(), "", "", ""
		}
		return &c
	}
	return Wrap(classify(err), err)
}

func classify(err error) Code {
	if s, ok := errors.AsType[sentinel](err); ok {
		return Code(s)
	}
	var (
		typeErr   *codec.TypeError
		syntaxErr *codec.SyntaxError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return CodeDeadlineExceeded
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, fs.ErrNotExist):
		return CodeNotFound
	case errors.Is(err, fs.ErrPermission):
		return CodePermissionDenied
	case errors.Is(err, fs.ErrExist):
		return CodeAlreadyExists
	case errors.As(err, &typeErr), errors.As(err, &syntaxErr):
		return CodeInvalidArgument
	}
	return CodeUnknown
}
