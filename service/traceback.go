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
	return serverOption(func(c *serverConfig) error { c.pb.DetailedTraceback = true; return nil })
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
	lines := []string{"Traceback (most recent call last):\n"}
	for _, f := range m.framesOf(e) {
		lines = append(lines, transport.FrameLine(f.File, f.Line, f.Function))
	}
	for _, name := range wrapped(e) {
		lines = append(lines, "  wrapped "+indented(name)+"\n")
	}
	lines = append(lines, e.Traceback...)
	return append(lines, lastLine(e)+"\n")
}

// framesOf returns the method's own frame and those of the stack that e carries, the outermost first. The stack knows the
// line in the method; without one it is where the method begins.
func (m *method) framesOf(e *transport.Error) []runtime.Frame {
	frames := e.Stack()
	slices.Reverse(frames)
	if len(frames) > 0 && frames[0].Function == functionAt(m.pc) {
		frames[0].Function = m.display
		return frames
	}
	return append([]runtime.Frame{{File: m.file, Line: m.line, Function: m.display}}, frames...)
}

// generalKinds are the types of errors that say nothing but their text.
var generalKinds = map[string]bool{ //nolint:gochecknoglobals // a constant
	"*errors.errorString": true, "*errors.joinError": true, "*fmt.wrapError": true, "*fmt.wrapErrors": true,
}

// wrapped names the errors beneath e that add to its last line and to each other: a text that was not there
// yet, or a type that says more than its text.
func wrapped(e *transport.Error) []string {
	if e.Remote {
		return nil
	}
	last := lastLine(e)
	said := map[string]bool{"": true, e.Message: true}
	return slices.DeleteFunc(e.Wrapped(), func(name string) bool {
		kind, text, _ := strings.Cut(name, ": ")
		repeats := name == last || generalKinds[kind] && said[text]
		said[text] = true
		return repeats
	})
}

// ruler separates the parts of a detailed traceback.
var ruler = strings.Repeat("-", 52) + "\n"

// detailedTraceback is a traceback in the form of Pyro's detailed ones.
func (m *method) detailedTraceback(e *transport.Error, call *transport.Call) []string {
	what := " EXCEPTION " + lastLine(e) + "\n"
	lines := []string{ruler, what, " Extended stacktrace follows (most recent call last)\n"}
	frames := m.framesOf(e)
	lines = append(lines, ruler, detailedFrame(frames[0]), "Signature:\n    "+m.fn.Type().String()+"\n")
	about := []string{"object = " + call.Object, m.kindOf(call) + " = " + call.Method}
	if call.Peer != nil {
		about = append(about, "dialect = "+call.Peer.Dialect.String(), "serializer = "+call.Peer.Codec)
	}
	about = append(about, "go = "+runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		about = append(about, "program = "+strings.TrimSpace(info.Main.Path+" "+info.Main.Version))
	}
	lines = append(lines, "Call:\n    "+strings.Join(about, "\n    ")+"\n")
	for _, f := range frames[1:] {
		lines = append(lines, ruler, detailedFrame(f))
	}
	if names := wrapped(e); len(names) > 0 {
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
func detailedFrame(f runtime.Frame) string {
	parts := strings.Split(f.File, "/")
	return fmt.Sprintf("File %q, line %d, in %s\n", strings.Join(parts[max(0, len(parts)-2):], "/"), f.Line, f.Function)
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
	if e.Message == "" {
		return kind
	}
	return kind + ": " + e.Message
}

// indented keeps the further lines of a text below its first one.
func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }
