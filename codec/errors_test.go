package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func TestTypeErrorsSpellTypesAsPeopleDo(t *testing.T) {
	var b []byte
	require.EqualError(t, serpent.Unmarshal([]byte("'text'"), &b), "want []byte, found str")
	var m map[string][]any
	require.EqualError(t, serpent.Unmarshal([]byte("[1]"), &m), "want map[string][]any, found list")
	require.EqualError(t, serpent.Unmarshal([]byte("(1, 'a')"), &m), "want map[string][]any, found tuple")
	require.EqualError(t, &codec.TypeError{Path: "args[0]", Want: "int8", Found: "int", Why: "300 is out of range"},
		"args[0]: want int8, found int (300 is out of range)")
}
