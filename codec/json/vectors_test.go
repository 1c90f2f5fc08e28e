package json_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
	all := vectors.Codec(t, "json")
	codectest.EncodeVectors(t, json.Codec, all, otherwise, func(t *testing.T, v vectors.Vector, got []byte) {
		require.Equal(t, string(v.Bytes), string(got))
	})
}

func TestDecodeVectors(t *testing.T) {
	codectest.EachMessage(t, vectors.Codec(t, "json"), func(t *testing.T, v vectors.Vector) {
		codectest.RequireReads(t, json.Codec, nil, v.Bytes, v.Reads, v.DecodeError)
	})
}

func TestAcceptVectors(t *testing.T) {
	for _, v := range vectors.Accept(t, "json") {
		t.Run(v.Name, func(t *testing.T) { codectest.RequireReads(t, json.Codec, nil, v.Bytes, v.Value, v.DecodeError) })
	}
}
