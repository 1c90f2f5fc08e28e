package main

import (
	"context"
	stdjson "encoding/json"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// literalMark precedes an argument that would be taken for a flag but is a number. No argument of a
// process can hold a zero byte.
const (
	literalMark = "\x00"
	quotedMark  = `"\x00` // is how errors show it
)

var (
	negativeNumber = regexp.MustCompile(`^-(\.?\d|infj?$)`)
	keywordArg     = regexp.MustCompile(`^[^\W\d]\w*=`)
)

// values is the annotation of commands whose arguments may be values, such as negative numbers.
const values = "pyroctl_values"

// takesValues tells whether a command line, or the one that a shell wants completed, is that of such a command.
func takesValues(root *cobra.Command, args []string) bool {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		args = args[1:]
	}
	cmd, _, err := root.Find(args)
	return err == nil && cmd.Annotations[values] != ""
}

// expandArgs rewrites the command line of a command that takes values to what the flag package understands: negative numbers are marked
// as such, and after --kw each name=value that follows gets its own --kw.
func expandArgs(args []string) []string {
	out := make([]string, 0, len(args))
	keywords := false
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(out, args[i:]...)
		case negativeNumber.MatchString(arg):
			out = append(out, literalMark+arg)
			continue
		case arg == "--kw":
			keywords = true
		case keywords && i > 0 && args[i-1] != "--kw" && keywordArg.MatchString(arg):
			out = append(out, "--kw", arg)
			continue
		case keywords && i > 0 && args[i-1] != "--kw":
			keywords = false
		}
		out = append(out, arg)
	}
	return out
}

// exact options keep integers of any size, dicts in order, and bytes that look like a dict.
var exact = &codec.Options{OrderedDicts: true, KeepBytesDict: true}

// parseValue reads an argument of a remote call: JSON, else a Python literal, else text.
func parseValue(s string) any {
	if stdjson.Valid([]byte(s)) { // stricter than Python's: NaN is text
		var v any
		if err := json.Codec.Unmarshal([]byte(s), &v, exact); err == nil {
			return v
		}
	}
	if v, err := literal.Parse(s); err == nil {
		return v
	}
	return s
}

// An argReader turns what was typed into values.
type argReader struct {
	f       *factory
	strings bool // everything is text
	stdin   bool // has been read
}

// value reads one argument; @FILE and - stand for what a file or stdin holds.
func (r *argReader) value(ctx context.Context, arg string) (any, error) {
	arg = strings.TrimPrefix(arg, literalMark)
	if r.strings {
		return arg, nil
	}
	var in io.ReadCloser
	switch {
	case arg == "-" && r.stdin:
		return nil, usagef("stdin can be read once only")
	case arg == "-":
		r.stdin = true
		in = r.f.stdin(ctx)
	case len(arg) > 1 && arg[0] == '@':
		var err error
		if in, err = openFile(ctx, arg[1:]); err != nil {
			return nil, usagef("argument %s: %w", arg, err)
		}
	default:
		return parseValue(arg), nil
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, usagef("argument %s: %w", arg, err)
	}
	if !utf8.Valid(data) {
		return data, nil // bytes
	}
	return parseValue(strings.TrimSuffix(string(data), "\n")), nil
}

func (r *argReader) values(ctx context.Context, args []string) ([]any, error) {
	values := make([]any, 0, len(args))
	for _, arg := range args {
		v, err := r.value(ctx, arg)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// keywords reads NAME=VALUE pairs.
func (r *argReader) keywords(ctx context.Context, pairs []string) (codec.Kwargs, error) {
	var kwargs codec.Kwargs
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--kw %s: want name=value", pair)
		}
		if _, twice := kwargs[name]; twice {
			return nil, usagef("--kw %s: given twice", name)
		}
		v, err := r.value(ctx, text)
		if err != nil {
			return nil, err
		}
		if kwargs == nil {
			kwargs = codec.Kwargs{}
		}
		kwargs[name] = v
	}
	return kwargs, nil
}
