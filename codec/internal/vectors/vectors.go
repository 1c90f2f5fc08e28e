// Package vectors reads the values in codec/testdata/vectors, and the bytes that Python makes of them,
// for tests of the serializers.
//
// The frames in transport/pyro/testdata/vectors are of another format, and hold payloads, not
// descriptions of values. internal/vectortest reads those: it knows neither codecs nor transports, so
// that the tests of both may use it, and this package knows the values of package codec.
package vectors

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A Vector is a value with the bytes that Python makes of it, or bytes with the value that Python
// makes of them.
type Vector struct {
	Name  string
	Bytes []byte // what Python wrote, or is given to read; nil if it refused to write

	Value    any  // described, as it was written or is read
	Reads    any  // what reading Bytes gives: Value, unless they lose something of it
	HasValue bool // Python reads or writes it

	EncodeError string // class of Python's error when writing
	DecodeError string // class of Python's error when reading
	Message     string // text of that error

	BytesRepr, Indented []byte // serpent's other forms

	Protocols map[string][]byte // pickle's bytes by protocol; Bytes are those of the newest
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

	Protocols map[string]string `json:"protocols"`
}

type pyError struct {
	Class   string `json:"class"`
	Message string `json:"message"`
}

// Codec returns the vectors of codec-NAME.json.
func Codec(tb testing.TB, name string) []Vector {
	tb.Helper()
	var out []Vector
	for _, e := range load(tb, "codec-"+name+".json") {
		v := Vector{Name: e.Name, HasValue: true}
		v.Value = describe(tb, e.Value)
		v.Reads = v.Value
		if e.DecodesTo != nil {
			v.Reads = describe(tb, e.DecodesTo)
		}
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
		if name == "pickle" && v.Bytes != nil {
			v.Protocols = map[string][]byte{"5": v.Bytes}
			for protocol, text := range e.Protocols {
				v.Protocols[protocol] = unhex(tb, text)
			}
		}
		out = append(out, v)
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
			v.Reads = v.Value
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
		check(tb, err)
		b, err := io.ReadAll(r)
		check(tb, err)
		return b
	}
	return nil
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	check(tb, err)
	return b
}

func load(tb testing.TB, file string) []entry {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", file))
	check(tb, err)
	var f struct {
		Vectors []entry `json:"vectors"`
		Inputs  []entry `json:"inputs"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		tb.Fatal(file, err)
	}
	all := slices.Concat(f.Vectors, f.Inputs)
	if len(all) == 0 {
		tb.Fatal("no vectors in " + file)
	}
	return all
}
