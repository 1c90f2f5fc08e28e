package json_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
)

type twoArgs struct {
	what  string
	count int
	order []string
}

func (s *twoArgs) Positional(int) (any, error) {
	s.order = append(s.order, "positional")
	return &s.what, nil
}

func (s *twoArgs) Keyword(name []byte) (any, error) {
	s.order = append(s.order, string(name))
	return &s.count, nil
}

func (s *twoArgs) None(bool) error { return nil }

func TestKeysOfACallComeInAnyOrder(t *testing.T) {
	for _, payload := range []string{
		`{"object": "o", "method": "m", "params": ["x"], "kwargs": {"n": 1}}`,
		`{"kwargs": {"n": 1}, "params": ["x"], "method": "m", "object": "o"}`,
		`{"params": ["x"], "object": "o", "kwargs": {"n": 1}, "method": "m"}`,
		`{"object": "o", "kwargs": {"n": 1}, "method": "m", "params": ["x"]}`,
		` { "more" : [ {} ], "method":"m","object":"o" , "params":["x"],"other":{"a":[1]},"kwargs":{"n":1}, "last":null } `,
	} {
		h, err := json.Codec.OpenCall([]byte(payload), nil)
		require.NoError(t, err, payload)
		require.Equal(t, "o", string(h.Object))
		require.Equal(t, "m", string(h.Method))
		var s twoArgs
		require.NoError(t, json.Codec.DecodeArgs(h, &s, nil), payload)
		require.Equal(t, twoArgs{"x", 1, []string{"positional", "n"}}, s)
	}
}

func TestBatchWithKeysInAnyOrder(t *testing.T) {
	h, err := json.Codec.OpenCall([]byte(`{"kwargs": null, "params": [["a", [], {}]], "method": "<batch>", "object": "o"}`), nil)
	require.NoError(t, err)
	n := 0
	for e, err := range json.Codec.OpenBatch(h, nil) {
		require.NoError(t, err)
		require.Equal(t, "a", string(e.Method))
		require.NoError(t, json.Codec.DecodeArgs(e, &twoArgs{}, nil))
		n++
	}
	require.Equal(t, 1, n)
}

// A key that comes twice would let two readers see two calls.
func TestKeysOfACallComeOnce(t *testing.T) {
	for _, payload := range []string{
		`{"object": "a", "object": "b", "method": "m", "params": [], "kwargs": {}}`,
		`{"object": "a", "method": "m", "params": [], "kwargs": {}, "object": "b"}`,
		`{"object": "a", "method": "m", "params": [], "method": "x", "kwargs": {}}`,
		`{"object": "a", "method": "m", "params": [], "kwargs": {}, "kwargs": {}}`,
		`{"object": "a", "method": "m", "params": []}`,
		`{"object": "a", "method": "m", "kwargs": {}}`,
		`{"method": "m", "params": [], "kwargs": {}}`,
	} {
		h, err := json.Codec.OpenCall([]byte(payload), nil)
		if err == nil {
			err = json.Codec.DecodeArgs(h, &twoArgs{}, nil)
		}
		var syntax *codec.SyntaxError
		require.ErrorAs(t, err, &syntax, payload)
	}
}
