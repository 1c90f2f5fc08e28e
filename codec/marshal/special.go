package marshal

import (
	"encoding/binary"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// The constants that marshal knows beside None, True and False.
const (
	ellipsis      = codec.Global("builtins.Ellipsis")
	stopIteration = codec.Global("builtins.StopIteration")
)

// Special writes the two globals that marshal has. All else takes the common form.
func (w writer) Special(b []byte, v any, _ *codec.Options) ([]byte, bool, error) {
	g, ok := v.(codec.Global)
	if !ok {
		return b, false, nil
	}
	switch g {
	case ellipsis:
		return append(b, '.'), true, nil
	case stopIteration:
		return append(b, 'S'), true, nil
	}
	return b, false, bind.Refuse(w, string(g)+"; of Python's globals, marshal has only Ellipsis and StopIteration")
}

// sliceParts is the number of parts of a slice: start, stop, step.
const sliceParts = 3

// Special reads the two globals, and slices, which Python writes from 3.14 on.
func (s *reader) Special() (any, bool, error) {
	switch s.cur.code {
	case '.':
		return ellipsis, true, s.end()
	case 'S':
		return stopIteration, true, s.end()
	case ':':
		v, err := s.slice()
		return v, true, err
	}
	return nil, false, nil
}

// slice reads a slice as the instance that pickle has for it.
func (s *reader) slice() (any, error) {
	if err := s.Enter(); err != nil {
		return nil, err
	}
	parts := make(codec.Tuple, 0, sliceParts)
	for {
		more, err := s.Next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		part, err := s.slicePart()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return codec.Object{Class: "builtins.slice", Reduction: &codec.Reduction{Call: true, Args: parts}}, nil
}

func (s *reader) slicePart() (any, error) {
	k, err := s.Peek(bind.Scalar)
	if err != nil {
		return nil, err
	}
	switch k {
	case bind.None:
		return nil, s.None()
	case bind.Int:
		n, b, err := s.Int()
		if b != nil {
			return b, err
		}
		return n, err
	}
	return nil, &codec.TypeError{Want: "int or None in a slice", Found: k.String()}
}

// hashable passes over the value that b, which this package wrote, begins with, and makes frozensets of
// the sets in it. what names a type in it that Python cannot hash.
func hashable(b []byte) (rest []byte, what string) {
	const header = 5 // a type and a length
	switch b[0] {
	case 'N', 'T', 'F', '.', 'S':
		return b[1:], ""
	case 'i':
		return b[header:], ""
	case 'g':
		return b[1+8:], ""
	case 'y':
		return b[1+16:], ""
	case 'l':
		n := int32(binary.LittleEndian.Uint32(b[1:])) //nolint:gosec // two's complement
		return b[header+2*int(max(n, -n)):], ""
	case 'u', 's':
		return b[header+int(binary.LittleEndian.Uint32(b[1:])):], ""
	case '[':
		return nil, "list"
	case '{':
		return nil, "dict"
	}
	if b[0] == '<' {
		b[0] = '>'
	}
	n := binary.LittleEndian.Uint32(b[1:])
	for rest = b[header:]; n > 0 && what == ""; n-- {
		rest, what = hashable(rest)
	}
	return rest, what
}
