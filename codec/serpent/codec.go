package serpent

import (
	"errors"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

const name = "serpent"

// Codec is serpent as the transport uses it.
var Codec codec.Codec = serpent{}

type serpent struct{}

// Marshal returns the encoding of v, with the comment line that serpent begins with. Errors are
// *codec.EncodeError and *codec.LimitError.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to dst and returns the extended buffer; dst itself if it fails.
func Append(dst []byte, v any) ([]byte, error) { return Codec.Append(dst, v, nil) }

// Unmarshal reads data into dst, a non-nil pointer. Errors are *codec.SyntaxError where data is no
// literal, *codec.TypeError where it does not fit dst, *codec.LimitError and *codec.ClassError.
func Unmarshal(data []byte, dst any) error { return Codec.Unmarshal(data, dst, nil) }

func (serpent) Name() string { return name }

func (serpent) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	out, err := encoders.Append(append(dst, header...), v, o)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (serpent) Unmarshal(data []byte, dst any, o *codec.Options) error {
	if p, ok := dst.(*string); ok && p != nil { // the commonest result takes the shortest way
		if text, ok := plainLiteral(data); ok {
			*p = string(text)
			return nil
		}
	}
	s := newReader(data, 0, 0, o)
	defer s.free()
	if err := s.begin(); err != nil {
		return err
	}
	start := s.pos
	if p, ok := dst.(*any); ok && p != nil {
		v, err := s.whole()
		if err == nil {
			*p = v
		}
		return err
	}
	err := s.dec.Decode(dst)
	if err == nil {
		err = s.closeGroups()
	}
	if s.isBareTuple(start, err) {
		return s.bareTuple(start, dst)
	}
	if err != nil {
		return err
	}
	return s.end()
}

// whole reads the rest into a generic tree; values with commas between them are a tuple.
func (s *reader) whole() (any, error) {
	v, _, err := s.expr()
	if err != nil {
		return nil, err
	}
	if s.char() == ',' {
		t := codec.Tuple{v}
		for s.char() == ',' {
			s.pos++
			if c := s.char(); c == 0 || c == '\n' || c == '\r' {
				break
			}
			if v, _, err = s.expr(); err != nil {
				return nil, err
			}
			t = append(t, v)
		}
		v = t
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	if !s.classes {
		return v, nil
	}
	return s.dec.Convert(v)
}

// isBareTuple reports whether what began at start is a tuple without parentheses, which Python
// reads and nobody writes. err is what came of reading it as a single value.
func (s *reader) isBareTuple(start int, err error) bool {
	if err == nil {
		return s.char() == ','
	}
	if _, ok := errors.AsType[*codec.TypeError](err); !ok {
		return false
	}
	s.Reset(bind.Mark{Pos: start})
	return s.Skip() == nil && s.char() == ','
}

func (s *reader) bareTuple(start int, dst any) error {
	s.Reset(bind.Mark{Pos: start})
	tree, err := s.whole()
	if err != nil {
		return err
	}
	d := bind.Decoder{Src: bind.FromTree(tree), O: s.o, Room: s.dec.Room}
	return d.Decode(dst)
}
