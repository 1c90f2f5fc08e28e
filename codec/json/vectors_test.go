package json_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/json"
)

// otherwise are Python types that Go has no like of, or that have another form here.
var otherwise = map[string]bool{
	"frozenset empty": true, "frozenset": true, // codec.Set is both kinds of set
	"time": true, "timedelta": true, "timedelta negative": true, // text and float here
	"enum int": true, "enum str": true, "enum Flag": true, "OrderedDict": true, "deque": true, "UserDict": true,
	"UserList": true, "UserString": true, "dict keys": true, "dict items": true, "instance getstate dict": true,
	"instance getstate tuple": true, "object()": true, "range": true, "fraction": true, "int subclass": true, "str subclass": true,
	"instance": true, "instance in list": true, // Pyro4 loses the class
	"dict colliding keys": true, // "1" twice is what Python writes, too
	"str lone surrogate":  true, // which we write
}

func TestEncodeVectors(t *testing.T) {
	for _, v := range vectors.Codec(t, "json") {
		t.Run(v.Name, func(t *testing.T) {
			if otherwise[v.Name] || vectors.Has(v.Value, "vectors.Unknown") {
				t.Log("no such value in Go")
				return
			}
			got, err := json.Marshal(v.Value)
			if v.EncodeError != "" {
				var refused *codec.EncodeError
				require.ErrorAs(t, err, &refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, string(v.Bytes), string(got))
		})
	}
}

func TestDecodeVectors(t *testing.T) {
	for _, v := range vectors.Codec(t, "json") {
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
	for _, v := range vectors.Accept(t, "json") {
		t.Run(v.Name, func(t *testing.T) { checkDecode(t, v.Bytes, v.Value, v.DecodeError) })
	}
}

func checkDecode(t *testing.T, data []byte, want any, wantErr string) {
	t.Helper()
	var got any
	err := json.Unmarshal(data, &got)
	if bytes.Contains(data, []byte("__class__")) { // classes are not this package's: an Object
		require.NoError(t, err)
		codectest.RequireRewritable(t, json.Codec, got, nil)
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
