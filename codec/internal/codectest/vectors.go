package codectest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
)

// EachValue has check look at each vector whose value Go has. otherwise names those that have no like in Go, or another
// form.
func EachValue(t *testing.T, all []vectors.Vector, otherwise map[string]bool, check func(*testing.T, vectors.Vector)) {
	t.Helper()
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			if otherwise[v.Name] || vectors.Has(v.Value, "vectors.Unknown") {
				t.Log("no such value in Go")
				return
			}
			check(t, v)
		})
	}
}

// EachMessage has check look at each vector that Python has written.
func EachMessage(t *testing.T, all []vectors.Vector, check func(*testing.T, vectors.Vector)) {
	t.Helper()
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			if v.Bytes == nil {
				require.NotEmpty(t, v.EncodeError)
				return
			}
			check(t, v)
		})
	}
}

// EncodeVectors writes the values of [EachValue] with c. What Python refuses has to be refused, what is written is for
// check.
func EncodeVectors(
	t *testing.T, c codec.Codec, all []vectors.Vector, otherwise map[string]bool, check func(t *testing.T, v vectors.Vector, got []byte),
) {
	t.Helper()
	EachValue(t, all, otherwise, func(t *testing.T, v vectors.Vector) {
		got, err := c.Append(nil, v.Value, nil)
		if v.EncodeError != "" {
			var refused *codec.EncodeError
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NoError(t, err)
		check(t, v, got)
	})
}

// RequireReads checks that c reads data as Python does: as want, or not at all where wantErr is the class of Python's
// error. Classes are not a serializer's: an instance is an Object, which is read back from what is written of it.
func RequireReads(t *testing.T, c codec.Codec, o *codec.Options, data []byte, want any, wantErr string) {
	t.Helper()
	var got any
	err := c.Unmarshal(data, &got, o)
	switch {
	case bytes.Contains(data, []byte("__class__")):
		require.NoError(t, err)
		RequireRewritable(t, c, got, nil)
	case wantErr != "":
		require.Error(t, err, "got %v", got)
		RequireReadError(t, err)
	default:
		require.NoError(t, err)
		require.Equal(t, vectors.Text(want), vectors.Text(got))
	}
}
