package serpent

import (
	"bytes"
	"encoding/base64"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// brace reads a dict or a set.
func (s *reader) brace() (any, form, error) {
	if s.o == nil || !s.o.KeepBytesDict {
		if b, ok := s.BytesDict(); ok {
			return b, other, nil
		}
	}
	if err := s.open(); err != nil {
		return nil, 0, err
	}
	s.pos++
	c := s.char()
	if c == '}' {
		s.pos++
		s.depth--
		return s.emptyDict(), unhashable, nil
	}
	var key any
	if c == '\'' || c == '"' { // most dicts have text keys
		b, _, err := s.text()
		if err != nil {
			return nil, 0, err
		}
		if s.char() == ':' {
			v, err := s.textDict(s.keys.Text(b))
			return v, dictForm(v), err
		}
		key = string(b)
	} else {
		k, err := s.key()
		if err != nil {
			return nil, 0, err
		}
		key = k
	}
	if s.char() == ':' {
		s.pos++
		v, err := s.dict(new(codec.Dict), key)
		return v, dictForm(v), err
	}
	v, err := s.set(key)
	return v, unhashable, err
}

// dictForm lets a dict be a key if it stands for bytes: Python writes bytes so in the place of a key,
// too, although it cannot read them there.
func dictForm(v any) form {
	if _, ok := v.([]byte); ok {
		return other
	}
	return unhashable
}

func (s *reader) emptyDict() any {
	if s.o != nil && s.o.OrderedDicts {
		return &codec.Dict{}
	}
	return map[string]any{}
}

// key reads a dict's key or a set's member.
func (s *reader) key() (any, error) {
	start := s.pos
	v, f, err := s.expr()
	if err != nil {
		return nil, err
	}
	if f == unhashable {
		return nil, s.failAt(start, "unhashable type")
	}
	return v, nil
}

// nextMember passes over the comma after a member of a dict or set, and returns what the next begins
// with: the brace, which it passes over as well, if there is none.
func (s *reader) nextMember() (byte, error) {
	c := s.char()
	switch c {
	case ',':
		s.pos++
		c = s.char()
	case '}':
	default:
		return 0, s.unexpected()
	}
	if c == '}' {
		s.pos++
		s.depth--
	}
	return c, nil
}

func (s *reader) set(member any) (any, error) {
	var set codec.Set
	for {
		if err := set.Put(member); err != nil {
			return nil, err
		}
		c, err := s.nextMember()
		if err != nil {
			return nil, err
		}
		if c == '}' {
			return set, nil
		}
		m, err := s.key()
		if err != nil {
			return nil, err
		}
		member = m
	}
}

// textDict reads the dict whose first key was just read and is text, as all of them mostly are.
func (s *reader) textDict(key string) (any, error) {
	valueBase, nameBase := len(s.values), len(s.names)
	if s.o != nil && s.o.OrderedDicts {
		s.pos++
		return s.dict(new(codec.Dict), key)
	}
	for {
		if key == codec.ClassKey {
			return s.turnDict(valueBase, nameBase, key)
		}
		s.pos++ // the colon
		v, _, err := s.expr()
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, key)
		s.values = append(s.values, v)
		c, err := s.nextMember()
		if err != nil {
			return nil, err
		}
		switch c {
		case '}':
			return s.collectDict(valueBase, nameBase), nil
		case '\'', '"':
			b, isBytes, err := s.text()
			if err != nil {
				return nil, err
			}
			if isBytes || s.char() != ':' {
				return nil, s.unexpected()
			}
			key = s.keys.Text(b)
		default:
			k, err := s.key()
			if err != nil {
				return nil, err
			}
			return s.turnDict(valueBase, nameBase, k)
		}
	}
}

// turnDict goes on with a Dict after all: the next key is no text, or makes it an instance.
func (s *reader) turnDict(valueBase, nameBase int, key any) (any, error) {
	if s.char() != ':' {
		return nil, s.unexpected()
	}
	s.pos++
	d := new(codec.Dict)
	for i, name := range s.names[nameBase:] {
		d.Set(name, s.values[valueBase+i])
	}
	s.values, s.names = s.values[:valueBase], s.names[:nameBase]
	return s.dict(d, key)
}

// dict reads on at the value of key, into d.
func (s *reader) dict(d *codec.Dict, key any) (any, error) {
	for {
		if key == codec.ClassKey {
			s.classes = true
		}
		v, _, err := s.expr()
		if err != nil {
			return nil, err
		}
		if err := d.Put(key, v); err != nil {
			return nil, err
		}
		c, err := s.nextMember()
		if err != nil {
			return nil, err
		}
		if c == '}' {
			return s.plainDict(d), nil
		}
		if key, err = s.key(); err != nil {
			return nil, err
		}
		if s.char() != ':' {
			return nil, s.unexpected()
		}
		s.pos++
	}
}

// plainDict returns d, or bytes if it stands for bytes, or a map if nothing speaks for a Dict.
func (s *reader) plainDict(d *codec.Dict) any {
	if d.Len() == 2 && (s.o == nil || !s.o.KeepBytesDict) {
		data, _ := d.Get("data")
		encoding, _ := d.Get("encoding")
		if b, ok := bytesOf(data, encoding); ok {
			return b
		}
	}
	return d
}

func (s *reader) collectDict(valueBase, nameBase int) any {
	names, values := s.names[nameBase:], s.values[valueBase:]
	defer func() {
		clear(names)
		clear(values)
		s.values, s.names = s.values[:valueBase], s.names[:nameBase]
	}()
	if len(names) == 2 && (s.o == nil || !s.o.KeepBytesDict) {
		i := 0
		if names[1] == "data" {
			i = 1
		}
		if names[i] == "data" && names[1-i] == "encoding" {
			if b, ok := bytesOf(values[i], values[1-i]); ok {
				return b
			}
		}
	}
	m := make(map[string]any, len(names))
	for i, name := range names {
		m[name] = values[i]
	}
	return m
}

func bytesOf(data, encoding any) ([]byte, bool) {
	text, ok := data.(string)
	if !ok || encoding != "base64" {
		return nil, false
	}
	b, err := bind.Base64([]byte(text))
	return b, err == nil
}

// What serpent makes of bytes, around their base64.
const (
	bytesBegin = "{'data': '"
	bytesEnd   = "', 'encoding': 'base64'}"
)

// BytesDict reads the dict at pos if it is exactly as serpent writes it for bytes. The text in it is
// not looked at but for base64, which spares large blobs a copy and most of the time.
func (s *reader) BytesDict() ([]byte, bool) {
	if len(s.data)-s.pos < len(bytesBegin) || string(s.data[s.pos:s.pos+len(bytesBegin)]) != bytesBegin {
		return nil, false
	}
	rest := s.data[s.pos+len(bytesBegin):]
	n := bytes.IndexByte(rest, '\'')
	if n < 0 || n%4 != 0 || len(rest)-n < len(bytesEnd) || string(rest[n:n+len(bytesEnd)]) != bytesEnd {
		return nil, false
	}
	b, err := bind.Base64(rest[:n])
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != n { // a line end was passed over
		return nil, false
	}
	s.pos += len(bytesBegin) + n + len(bytesEnd)
	return b, true
}
