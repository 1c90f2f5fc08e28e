package marshal_test

import (
	"bytes"
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
	for _, v := range vectors.Codec(t, "marshal") {
		t.Run(v.Name, func(t *testing.T) {
			if otherwise[v.Name] || vectors.Has(v.Value, "vectors.Unknown") {
				t.Log("no such value in Go")
				return
			}
			got, err := marshal.Marshal(v.Value)
			if v.EncodeError != "" {
				var refused *codec.EncodeError
				require.ErrorAs(t, err, &refused)
				return
			}
			require.NoError(t, err)
			var again any // the flags in Python's bytes depend on reference counts: values are compared
			require.NoError(t, marshal.Unmarshal(got, &again))
			checkDecode(t, got, again, "")
			if !bytes.Contains(got, []byte("__class__")) {
				require.Equal(t, vectors.Text(v.Value), vectors.Text(again))
			}
		})
	}
}

func TestDecodeVectors(t *testing.T) {
	for _, v := range vectors.Codec(t, "marshal") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Bytes == nil {
				require.NotEmpty(t, v.EncodeError)
				return
			}
			checkDecode(t, v.Bytes, v.Reads, v.DecodeError)
		})
	}
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
	var got any
	err := marshal.Unmarshal(data, &got)
	if vectors.Has(want, "vectors.Unknown:{long}", "vectors.Unknown:{fraction}") {
		require.NoError(t, err) // cut in the file
		return
	}
	switch {
	case vectors.Has(want, "vectors.Unknown:{ellipsis}"):
		want = codec.Global("builtins.Ellipsis")
	case vectors.Has(want, "vectors.Unknown:{class}"): // marshal has only one
		want = codec.Global("builtins.StopIteration")
	case vectors.Has(want, "vectors.Unknown"):
		require.Error(t, err) // code
		return
	}
	if bytes.Contains(data, []byte("__class__")) { // classes are not this package's: an Object
		require.NoError(t, err)
		codectest.RequireRewritable(t, marshal.Codec, got, nil)
		return
	}
	if wantErr != "" {
		require.Error(t, err, "got %v", got)
		codectest.RequireReadError(t, err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, vectors.Text(want), vectors.Text(got))
}
