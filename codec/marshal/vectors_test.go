package marshal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

// otherwise are Python types that Go has no like of, or that have another form here: Python's marshal
// knows few types, and only those exactly.
var otherwise = map[string]bool{
	"memoryview": true, "enum int": true, "enum str": true, "enum IntEnum": true, "namedtuple": true,
	"OrderedDict": true, "defaultdict": true, "Counter": true, "deque": true, "list subclass": true,
	"dict subclass": true, "int subclass": true, "str subclass": true, "dict keys": true, "dict items": true,
	"object()": true, "range": true, "instance in list": true, "exception in list": true, "exception wrapper in list": true,
	"uri in dict": true, "exception wrapper": true, "decimal special": true,
	"datetime": true, "datetime micro": true, "datetime utc": true, "datetime offset": true, "datetime year 1": true,
	"date": true, "time": true, "timedelta": true, "timedelta negative": true, "decimal": true, "decimal big": true,
}

func TestEncodeVectors(t *testing.T) {
	all := vectors.Codec(t, "marshal")
	codectest.EncodeVectors(t, marshal.Codec, all, otherwise, func(t *testing.T, v vectors.Vector, got []byte) {
		// The flags in Python's bytes depend on reference counts: values are compared.
		codectest.RequireReads(t, marshal.Codec, nil, got, v.Value, "")
	})
}

func TestDecodeVectors(t *testing.T) {
	codectest.EachMessage(t, vectors.Codec(t, "marshal"), func(t *testing.T, v vectors.Vector) {
		checkDecode(t, v.Bytes, v.Reads, v.DecodeError)
	})
}

func TestAcceptVectors(t *testing.T) {
	for _, v := range vectors.Accept(t, "marshal") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Name == "slice of version 5" {
				t.Log("Python reads it from 3.14 on, and so do we")
				return
			}
			checkDecode(t, v.Bytes, v.Value, v.DecodeError)
		})
	}
}

func checkDecode(t *testing.T, data []byte, want any, wantErr string) {
	t.Helper()
	switch {
	case vectors.Has(want, "vectors.Unknown:{long}", "vectors.Unknown:{fraction}"): // cut in the file
		require.NoError(t, marshal.Unmarshal(data, new(any)))
		return
	case vectors.Has(want, "vectors.Unknown:{ellipsis}"):
		want = codec.Global("builtins.Ellipsis")
	case vectors.Has(want, "vectors.Unknown:{class}"): // marshal has only one
		want = codec.Global("builtins.StopIteration")
	case vectors.Has(want, "vectors.Unknown"):
		require.Error(t, marshal.Unmarshal(data, new(any))) // code
		return
	}
	codectest.RequireReads(t, marshal.Codec, nil, data, want, wantErr)
}
