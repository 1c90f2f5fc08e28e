package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxReferenced bounds a file that ${file:PATH} names.
const maxReferenced = 64 << 10

// An expander replaces references in texts.
type expander struct {
	lookup func(name string) (string, bool)
}

// A reference is what stands in ${...}.
type reference struct {
	name       string // of a variable, or the path of a file
	file       bool
	fallback   string
	hasDefault bool
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var errReference = errors.New("want ${NAME}, ${NAME:-DEFAULT} or ${file:PATH}; ${ itself is written $${")

// parseReference reads a text that is one reference and nothing else.
func parseReference(text string) (reference, error) {
	inner, begins := strings.CutPrefix(text, "${")
	inner, ends := strings.CutSuffix(inner, "}")
	if !begins || !ends || strings.ContainsAny(inner, "{}") {
		return reference{}, errReference
	}
	if path, is := strings.CutPrefix(inner, "file:"); is {
		if path == "" {
			return reference{}, errReference
		}
		return reference{name: path, file: true}, nil
	}
	r := reference{}
	r.name, r.fallback, r.hasDefault = strings.Cut(inner, ":-")
	if !variableName.MatchString(r.name) {
		return reference{}, errReference
	}
	return r, nil
}

// replace returns text with each reference replaced, and whether there was one. What is put in is not looked at again.
func (x *expander) replace(text string) (result string, replaced bool, err error) {
	var b strings.Builder
	for {
		before, _, is := strings.Cut(text, "${")
		if !is {
			b.WriteString(text)
			return b.String(), replaced, nil
		}
		text = text[len(before):]
		if escaped, is := strings.CutSuffix(before, "$"); is {
			b.WriteString(escaped + "${")
			text = text[len("${"):]
			continue
		}
		b.WriteString(before)
		inner, rest, closed := strings.Cut(text, "}")
		if !closed {
			return "", false, errReference
		}
		value, err := x.value(inner + "}")
		if err != nil {
			return "", false, err
		}
		if b.Len()+len(value) > maxReferenced {
			return "", false, fmt.Errorf("longer than %d KiB once ${...} is replaced", maxReferenced>>10)
		}
		b.WriteString(value)
		text, replaced = rest, true
	}
}

func (x *expander) value(ref string) (string, error) {
	r, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	if r.file {
		return readReferenced(r.name)
	}
	value, set := x.lookup(r.name)
	switch {
	case r.hasDefault && value == "":
		return r.fallback, nil
	case !set:
		return "", fmt.Errorf("the variable %s is not set, and has no default as in ${%s:-DEFAULT}", r.name, r.name)
	case !utf8.ValidString(value):
		return "", fmt.Errorf("the variable %s is not UTF-8", r.name)
	}
	return value, nil
}

// readReferenced returns what is in a file, without a newline at its end.
func readReferenced(path string) (string, error) {
	file, err := openFile(path)
	if err != nil {
		return "", fmt.Errorf("${file:%s}: %w", path, errors.Unwrap(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxReferenced+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("${file:%s}: %w", path, err)
	case len(data) > maxReferenced:
		return "", fmt.Errorf("${file:%s}: larger than %d KiB", path, maxReferenced>>10)
	case !utf8.Valid(data):
		return "", fmt.Errorf("${file:%s}: not UTF-8", path)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
