package codec

import (
	"fmt"
	"reflect"
	"strings"
)

// asWritten turns types as reflect spells them into what people write.
var asWritten = strings.NewReplacer("[]uint8", "[]byte", "interface {}", "any") //nolint:gochecknoglobals // as good as constant

// A SyntaxError reports bytes that are not a value of the serializer.
type SyntaxError struct {
	Codec  string // name of the serializer
	Offset int    // of the offending byte
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: %s at byte %d", e.Codec, e.Msg, e.Offset)
}

// A TypeError reports a value that does not fit its destination.
type TypeError struct {
	Path  string // where, as in "args[1].items[3].price"; empty at the top
	Want  string // what the destination holds, as in "float64"
	Found string // what came, in Python's words, as in "str"
	Why   string // more, as in "300 is out of range"; may be empty
}

func (e *TypeError) Error() string {
	s := "want " + asWritten.Replace(e.Want) + ", found " + e.Found
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Why != "" {
		s += " (" + e.Why + ")"
	}
	return s
}

// A LimitError reports input or a value that goes beyond a limit.
type LimitError struct {
	What   string // "nesting"
	Limit  int64
	Option string // name of the option that sets the limit
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s exceeds the limit of %d (option %s)", e.What, e.Limit, e.Option)
}

// A ClassError reports a class dict that cannot become a value.
type ClassError struct {
	Class string
	Msg   string
	Cause error // from the converter, or nil
}

func (e *ClassError) Error() string { return "class " + e.Class + ": " + e.Msg }

// Unwrap returns the converter's error.
func (e *ClassError) Unwrap() error { return e.Cause }

// An EncodeError reports a Go value that the serializer cannot write.
type EncodeError struct {
	Codec string
	Path  string
	Type  reflect.Type // nil for an untyped nil
	Msg   string
	Cause error
}

func (e *EncodeError) Error() string {
	s := e.Codec + ": cannot encode"
	if e.Type != nil {
		s += " " + e.Type.String()
	}
	if e.Path != "" {
		s += " at " + e.Path
	}
	return s + ": " + e.Msg
}

// Unwrap returns the error beneath, or nil.
func (e *EncodeError) Unwrap() error { return e.Cause }
