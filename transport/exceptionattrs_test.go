package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/transport"
)

// Attributes that Python would do something with stay here.
func TestAttributesThatActInPythonAreDropped(t *testing.T) {
	e := transport.NewError("ValueError", "x")
	e.Attrs = map[string]any{"args": "a", "name_from": "this", "code": 7}
	b, err := serpent.Marshal(e)
	require.NoError(t, err)
	require.Contains(t, string(b), "'code':7")
	require.NotContains(t, string(b), "name_from")
	require.NotContains(t, string(b), "'args':'a'")
}

func TestAttributesGoOutByTheirNames(t *testing.T) {
	e := transport.NewError("ValueError", "x")
	e.Attrs = map[string]any{"e": 5, "b": 2, "d": 4, "a": 1, "c": 3}
	for range 20 {
		b, err := serpent.Marshal(e)
		require.NoError(t, err)
		require.Contains(t, string(b), "'attributes':{'a':1,'b':2,'c':3,'d':4,'e':5}")
	}
}
