package transport

import (
	"path"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// maxFrames bounds the frames of a stack that are kept.
const maxFrames = 64

// callers returns the stack of the caller's caller, without what of it is the runtime's own.
func callers() []uintptr {
	pcs := make([]uintptr, maxFrames)
	return pcs[:runtime.Callers(3, pcs)]
}

// Stack returns the Go stack that e carries, the innermost frame first: of a panic, or of the innermost
// error beneath it with a method Callers() []uintptr or StackTrace(), whose result is a slice of program
// counters, as those of github.com/pkg/errors and its kin. It is nil if there is none.
func (e *Error) Stack() []runtime.Frame {
	var pcs []uintptr
	if e.Panic != nil {
		pcs = e.Panic.pcs
	}
	walk(e.cause, func(err error) bool {
		if own := stackOf(err); own != nil {
			pcs = own
		}
		return true
	})
	if len(pcs) == 0 {
		return nil
	}
	var frames []runtime.Frame
	for next := runtime.CallersFrames(pcs); ; {
		f, more := next.Next()
		if f.Function != "" {
			frames = append(frames, f)
		}
		if !more {
			return trim(frames)
		}
	}
}

// stackOf returns the program counters that err carries.
func stackOf(err error) []uintptr {
	if c, ok := err.(interface{ Callers() []uintptr }); ok {
		return c.Callers()
	}
	m := reflect.ValueOf(err).MethodByName("StackTrace")
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 {
		return nil
	}
	out := m.Type().Out(0)
	if out.Kind() != reflect.Slice || out.Elem().Kind() != reflect.Uintptr {
		return nil
	}
	list := m.Call(nil)[0]
	pcs := make([]uintptr, 0, min(list.Len(), maxFrames))
	for i := range min(list.Len(), maxFrames) {
		pcs = append(pcs, uintptr(list.Index(i).Uint()))
	}
	return pcs
}

// trim leaves of a stack what is the program's own: not how the runtime raised the panic, nor how the call
// came to the method.
func trim(frames []runtime.Frame) []runtime.Frame {
	if i := slices.IndexFunc(frames, func(f runtime.Frame) bool { return f.Function == "runtime.gopanic" }); i >= 0 {
		frames = frames[i+1:]
	}
	for len(frames) > 0 && strings.HasPrefix(frames[0].Function, "runtime.") {
		frames = frames[1:]
	}
	if i := slices.IndexFunc(frames, carriesCalls); i >= 0 {
		frames = frames[:i]
	}
	return frames
}

// carriesCalls tells the functions that take a call to its method.
func carriesCalls(f runtime.Frame) bool {
	return f.Function == "reflect.Value.call" || f.Function == "runtime.goexit" ||
		strings.HasPrefix(f.Function, "github.com/pyrokit/pyrokit/service.fast[") ||
		strings.HasPrefix(f.Function, "github.com/pyrokit/pyrokit/service.(*")
}

// FrameLine is a frame as a Python traceback has it: the base name of the file, the line, the function. It
// ends in a newline.
func FrameLine(file string, line int, function string) string {
	return "  File " + strconv.Quote(path.Base(file)) + ", line " + strconv.Itoa(line) + ", in " + function + "\n"
}

// Wrapped names the errors that e's cause wraps, the outermost first: the Go type of each and, where e's own
// message has it too, its text, so that what a message leaves out stays untold. This package's own errors
// are left out.
func (e *Error) Wrapped() []string {
	var names []string
	walk(e.cause, func(err error) bool {
		if _, own := err.(*Error); own { //nolint:errorlint // this very error
			return true
		}
		name := reflect.TypeOf(err).String()
		if text := err.Error(); text != "" && strings.Contains(e.Message, text) {
			name += ": " + text
		}
		names = append(names, name)
		return true
	})
	return names
}
