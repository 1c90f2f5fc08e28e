package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Error is one thing that is wrong with a configuration.
type Error struct {
	// File is the name of the file as it was given, "--set", or "environment" and the variable. Empty: not known.
	File string
	// Line and Column count from 1, the column in characters. 0: not known.
	Line   int
	Column int
	// Path of the field, such as server.listeners[0].address. Empty for errors of syntax.
	Path string
	// Msg says what is wrong, Hint what would be right where more is known.
	Msg  string
	Hint string

	cause error
}

// Error returns all of it on one line: "site.yaml:12:7: server.limits.max_depth: want 0 to 10000, found -3".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(Origin{Source: e.File, Line: e.Line, Column: e.Column}.String() + ": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the error beneath, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Errors is all that is wrong with a configuration, in the order of the text.
type Errors []*Error

// Error returns a line for each of them.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, one := range e {
		list[i] = one
	}
	return list
}

// A FieldError says which field another error is about. A check returns it, joined with others or not, and [File.Locate]
// finds out where the field was set.
type FieldError struct {
	Path string // of the field, as in Error
	Err  error
}

// Error returns path and error.
func (e *FieldError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the error.
func (e *FieldError) Unwrap() error { return e.Err }

// maxErrors bounds what is said about one configuration.
const maxErrors = 100

// A collector gathers errors.
type collector struct {
	list    Errors
	more    int
	sources []string // files in the order in which they were read
}

func (c *collector) add(e *Error) {
	if !c.full() {
		c.list = append(c.list, e)
	}
}

// full tells whether there are so many errors that a further one is only counted, and counts it then: nobody need find out
// what to say of it.
func (c *collector) full() bool {
	if len(c.list) < maxErrors {
		return false
	}
	c.more++
	return true
}

// err returns what was gathered in the order of the files and of their text, or nil.
func (c *collector) err() error {
	if len(c.list) == 0 {
		return nil
	}
	rank := func(e *Error) int {
		if i := slices.Index(c.sources, e.File); i >= 0 {
			return i
		}
		return len(c.sources)
	}
	slices.SortStableFunc(c.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if c.more > 0 {
		return append(c.list, &Error{Msg: fmt.Sprintf("and %d more errors", c.more)})
	}
	return c.list
}

// about tells whether something was said already about a field, what it is in, or what is in it.
func (c *collector) about(path string) bool {
	return slices.ContainsFunc(c.list, func(e *Error) bool {
		return e.Path != "" && (within(e.Path, path) || within(path, e.Path))
	})
}

// beside tells whether something was said about another field of the same message.
func (c *collector) beside(path string) bool {
	return slices.ContainsFunc(c.list, func(e *Error) bool { return e.Path != "" && parent(e.Path) == parent(path) })
}

// quotedText is how errors show a value.
var quotedText = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// Locate says where err comes from: what is a [FieldError], or is made of some, becomes [Errors] with the place where
// the field was set, or else what it is in. Other errors are among them without a place. nil remains nil.
func (f *File) Locate(err error) error {
	if err == nil {
		return nil
	}
	c := &collector{sources: f.files}
	f.locate(c, err)
	return c.err()
}

func (f *File) locate(c *collector, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			f.locate(c, one)
		}
		return
	}
	if located, ok := err.(*Error); ok { //nolint:errorlint // what wraps it says more
		c.add(located)
		return
	}
	e := &Error{Msg: err.Error(), cause: err}
	if field, ok := errors.AsType[*FieldError](err); ok {
		path, o := f.origins.nearest(field.Path)
		e.Path, e.Msg, e.cause = path, field.Err.Error(), field.Err
		e.File, e.Line, e.Column = o.Source, o.Line, o.Column
		if f.origins.set[path].Expanded != "" { // what it was replaced by may be secret
			e.Msg = quotedText.ReplaceAllLiteralString(e.Msg, shorten(o.Expanded))
		}
	}
	if !slices.ContainsFunc(c.list, func(there *Error) bool { return there.Error() == e.Error() }) { // two may have noticed it
		c.add(e)
	}
}
