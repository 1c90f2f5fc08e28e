package service

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/transport"
)

// DetailedTraceback has the tracebacks of exceptions say more, in the form of Pyro's DETAILED_TRACEBACK: of
// each frame the file with its folder and, of the method's own, its signature; the object, dialect and
// serializer of the call; the versions of Go and the program. In contrast to Pyro it tells no values.
func DetailedTraceback() ServerOption {
	return serverOption(func(c *serverConfig) error { c.detailed = true; return nil })
}

// guard calls a method and completes what it raises: its class decides what Python raises, and the
// traceback names the Go function.
func (m *method) guard(
	detailed bool, call *transport.Call, fn func() (*transport.Reply, error),
) (reply *transport.Reply, err error) {
	defer func() {
		if r := recover(); r != nil {
			reply, err = nil, m.raised(transport.NewPanicError(r, debug.Stack()), call, detailed)
		}
	}()
	reply, err = fn()
	if err != nil {
		err = m.raised(err, call, detailed)
	}
	return reply, err
}

// raised completes an error for the caller.
func (m *method) raised(err error, call *transport.Call, detailed bool) error {
	e := *transport.AsError(err).Raised()
	if e.Traceback != nil && !e.Remote {
		return &e
	}
	if detailed {
		e.Traceback = m.detailedTraceback(&e, call)
	} else {
		e.Traceback = m.traceback(&e)
	}
	return &e
}

// traceback is a traceback as Python prints it: the method's function, the stack that the error carries,
// what it wraps, and where it came from another object, the traceback from there.
func (m *method) traceback(e *transport.Error) []string {
	lines := []string{"Traceback (most recent call last):\n", transport.FrameLine(m.file, m.line, m.display)}
	for _, f := range slices.Backward(e.Stack()) {
		lines = append(lines, transport.FrameLine(f.File, f.Line, f.Function))
	}
	if !e.Remote {
		for _, name := range e.Wrapped() {
			lines = append(lines, "  wrapped "+indented(name)+"\n")
		}
	}
	lines = append(lines, e.Traceback...)
	return append(lines, lastLine(e)+"\n")
}

// ruler separates the parts of a detailed traceback.
var ruler = strings.Repeat("-", 52) + "\n"

// detailedTraceback is a traceback in the form of Pyro's detailed ones.
func (m *method) detailedTraceback(e *transport.Error, call *transport.Call) []string {
	what := " EXCEPTION " + lastLine(e) + "\n"
	lines := []string{ruler, what, " Extended stacktrace follows (most recent call last)\n"}
	lines = append(lines, ruler, detailedFrame(m.file, m.line, m.display), "Signature:\n    "+m.fn.Type().String()+"\n")
	about := []string{"object = " + call.Object, m.kindOf(call) + " = " + call.Method}
	if call.Peer != nil {
		about = append(about, "dialect = "+call.Peer.Dialect.String(), "serializer = "+call.Peer.Codec)
	}
	about = append(about, "go = "+runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		about = append(about, "program = "+strings.TrimSpace(info.Main.Path+" "+info.Main.Version))
	}
	lines = append(lines, "Call:\n    "+strings.Join(about, "\n    ")+"\n")
	for _, f := range slices.Backward(e.Stack()) {
		lines = append(lines, ruler, detailedFrame(f.File, f.Line, f.Function))
	}
	if names := e.Wrapped(); len(names) > 0 && !e.Remote {
		lines = append(lines, ruler, "Wrapped errors:\n")
		for _, name := range names {
			lines = append(lines, "    "+indented(name)+"\n")
		}
	}
	lines = append(lines, e.Traceback...)
	return append(lines, ruler, what, ruler)
}

func (m *method) kindOf(call *transport.Call) string {
	switch call.Kind {
	case transport.GetAttr, transport.SetAttr:
		return "attribute"
	default:
		return "method"
	}
}

// detailedFrame is a frame with the folder of its file, which tells files of one name apart; what is above
// it says where the program was built.
func detailedFrame(file string, line int, function string) string {
	parts := strings.Split(file, "/")
	return fmt.Sprintf("File %q, line %d, in %s\n", strings.Join(parts[max(0, len(parts)-2):], "/"), line, function)
}

// lastLine is the last line of a Python traceback. It also has the Go type, which no class carries, or of
// this toolkit's own errors what kind they are.
func lastLine(e *transport.Error) string {
	var kind string
	names := e.Wrapped()
	switch {
	case e.Class != "":
		kind = strings.TrimPrefix(e.Class, "builtins.")
	case e.Panic != nil:
		kind = "panic"
	case len(names) > 0: // the innermost says most about the origin
		kind, _, _ = strings.Cut(names[len(names)-1], ": ")
	default:
		kind = e.Code.String()
	}
	return kind + ": " + e.Message
}

// indented keeps the further lines of a text below its first one.
func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }
