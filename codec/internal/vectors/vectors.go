// Package vectors reads the recorded bytes in codec/testdata/vectors for tests.
package vectors

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A Vector is a value with the bytes that Python makes of it, or bytes with the value that Python
// makes of them.
type Vector struct {
	Name  string
	Bytes []byte // what Python wrote, or is given to read; nil if it refused to write

	Value    any  // described, as it was written or is read
	HasValue bool // Python reads or writes it

	EncodeError string // class of Python's error when writing
	DecodeError string // class of Python's error when reading
	Message     string // text of that error

	BytesRepr, Indented []byte // serpent's other forms
}

type entry struct {
	Name        string          `json:"name"`
	Value       json.RawMessage `json:"value"`
	Text        *string         `json:"text"`
	Hex         *string         `json:"hex"`
	Zlib        *string         `json:"zlib"`
	Error       *pyError        `json:"error"`
	DecodesTo   json.RawMessage `json:"decodes_to"`
	DecodeError *pyError        `json:"decode_error"`
	BytesRepr   *string         `json:"bytes_repr"`
	Indented    *string         `json:"indented"`
}

type pyError struct{ Class, Message string }

// Codec returns the vectors of codec-NAME.json.
func Codec(tb testing.TB, name string) []Vector {
	tb.Helper()
	var out []Vector
	for _, e := range load(tb, "codec-"+name+".json") {
		v := Vector{Name: e.Name, HasValue: true}
		v.Value = describe(tb, e.Value)
		v.Bytes = e.bytes(tb)
		if e.Error != nil {
			v.EncodeError = e.Error.Class
			v.Message = e.Error.Message
		}
		if e.DecodeError != nil {
			v.DecodeError, v.Message = e.DecodeError.Class, e.DecodeError.Message
		}
		if e.BytesRepr != nil {
			v.BytesRepr = []byte(*e.BytesRepr)
		}
		if e.Indented != nil {
			v.Indented = []byte(*e.Indented)
		}
		out = append(out, v)
	}
	return out
}

// DecodesTo returns, by name, what reading the bytes back gives where that is another value.
func DecodesTo(tb testing.TB, name string) map[string]any {
	tb.Helper()
	out := map[string]any{}
	for _, e := range load(tb, "codec-"+name+".json") {
		if e.DecodesTo != nil {
			out[e.Name] = describe(tb, e.DecodesTo)
		}
	}
	return out
}

// Accept returns the inputs of accept-NAME.json.
func Accept(tb testing.TB, name string) []Vector {
	tb.Helper()
	var out []Vector
	for _, e := range load(tb, "accept-"+name+".json") {
		v := Vector{Name: e.Name, Bytes: e.bytes(tb)}
		if e.Error != nil {
			v.DecodeError, v.Message = e.Error.Class, e.Error.Message
		} else {
			v.HasValue = true
			v.Value = describe(tb, e.Value)
		}
		out = append(out, v)
	}
	return out
}

// Seeds returns all bytes of both files of a serializer.
func Seeds(tb testing.TB, name string) [][]byte {
	tb.Helper()
	var out [][]byte
	for _, v := range append(Codec(tb, name), Accept(tb, name)...) {
		for _, b := range [][]byte{v.Bytes, v.BytesRepr, v.Indented} {
			if b != nil && len(b) < 4096 {
				out = append(out, b)
			}
		}
	}
	if len(out) == 0 {
		tb.Fatal("no vectors")
	}
	return out
}

func (e *entry) bytes(tb testing.TB) []byte {
	tb.Helper()
	switch {
	case e.Text != nil:
		return []byte(*e.Text)
	case e.Hex != nil:
		return unhex(tb, *e.Hex)
	case e.Zlib != nil:
		r, err := zlib.NewReader(bytes.NewReader(unhex(tb, *e.Zlib)))
		if err != nil {
			tb.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	return nil
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func load(tb testing.TB, file string) []entry {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", file))
	if err != nil {
		tb.Fatal(err)
	}
	var f struct{ Vectors, Inputs []entry }
	if err := json.Unmarshal(data, &f); err != nil {
		tb.Fatal(file, err)
	}
	all := append(f.Vectors, f.Inputs...)
	if len(all) == 0 {
		tb.Fatal("no vectors in " + file)
	}
	return all
}
