package codectest

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/internal/anything"
)

// FuzzUnmarshal is the target that checks what c reads of messages: [Stable].
func FuzzUnmarshal(f *testing.F, c codec.Codec, seeds [][]byte) {
	f.Helper()
	fuzz(f, seeds, func(t *testing.T, data []byte) { Stable(t, c, data) })
}

// FuzzTyped is the target that checks typed destinations: [Typed].
func FuzzTyped(f *testing.F, c codec.Codec, seeds [][]byte) {
	f.Helper()
	fuzz(f, seeds, func(t *testing.T, data []byte) { Typed(t, c, data) })
}

// FuzzCall is the target that checks calls and batches: [Call].
func FuzzCall(f *testing.F, c codec.Codec) {
	f.Helper()
	fuzz(f, CallSeeds(f, c), func(t *testing.T, data []byte) { Call(t, c, data) })
}

func fuzz(f *testing.F, seeds [][]byte, check func(*testing.T, []byte)) {
	f.Helper()
	for _, data := range seeds {
		f.Add(data)
	}
	f.Fuzz(check)
}

// Stable checks that data is refused with an error of a reader, or read; and that what was read,
// if it can be written, is read back and written as the same bytes.
func Stable(t *testing.T, c codec.Codec, data []byte) {
	t.Helper()
	var v, again any
	if err := c.Unmarshal(data, &v, nil); err != nil {
		RequireReadError(t, err)
		return
	}
	out, err := c.Append(nil, v, nil)
	if err != nil {
		requireWriteError(t, err) // such as a lone surrogate in json
		return
	}
	require.NoError(t, c.Unmarshal(out, &again, nil), "%q", out)
	out2, err := c.Append(nil, again, nil)
	require.NoError(t, err)
	require.Equal(t, withoutNegativeZero(out), withoutNegativeZero(out2)) // bytes, because NaN is not equal to itself
}

// withoutNegativeZero is data without the one thing that serpent's own form loses: to Python, and so to
// us, (-0.0+1.0j) is a sum, whose real part is 0.0.
func withoutNegativeZero(data []byte) string {
	return strings.ReplaceAll(string(data), "(-0.0+", "(0.0+")
}

// RequireReadError checks that err is one of those that readers of values return.
func RequireReadError(t *testing.T, err error) {
	t.Helper()
	require.True(t, isReadError(err), "%T: %v", err, err)
}

func requireWriteError(t *testing.T, err error) {
	t.Helper()
	var (
		refused *codec.EncodeError
		limit   *codec.LimitError
	)
	require.True(t, errors.As(err, &refused) || errors.As(err, &limit), "%T: %v", err, err)
}

// RequireRewritable checks that v, which c has read, is read back from what c writes of it.
func RequireRewritable(t *testing.T, c codec.Codec, v any, o *codec.Options) {
	t.Helper()
	data, err := c.Append(nil, v, o)
	require.NoError(t, err)
	var again any
	require.NoError(t, c.Unmarshal(data, &again, o))
	require.Equal(t, vectors.Text(v), vectors.Text(again))
}

// Typed reads data into destinations of many types.
func Typed(t *testing.T, c codec.Codec, data []byte) {
	t.Helper()
	var tree any
	treeErr := c.Unmarshal(data, &tree, nil)
	for _, dst := range []any{
		new(string), new(int64), new(float64), new(complex128), new(bool), new([]byte), new([]any), new(map[string]any),
		new(codec.Tuple), new(codec.Set), new(codec.Dict), new(codec.Object), new(codec.Value), new(*everything), new(pair),
		new(map[string]struct{}), new([]pair), new([][]int), new(map[int]string), new(map[any]any), new(error), new([2]float32),
		new(map[float64][]map[string]string), new(anything.Value),
	} {
		err := c.Unmarshal(data, dst, nil)
		if err != nil {
			RequireReadError(t, err)
			continue
		}
		got := reflect.ValueOf(dst).Elem().Interface()
		if treeErr != nil || reflect.TypeOf(got) != reflect.TypeOf(tree) {
			continue
		}
		want, err := c.Append(nil, tree, nil)
		if err != nil {
			continue // such as a lone surrogate in json
		}
		out, err := c.Append(nil, got, nil)
		require.NoError(t, err)
		require.Equal(t, string(want), string(out), "%T", dst)
	}
	listed(t, c, data, tree, treeErr)
}

// CallSeeds returns payloads to begin with.
func CallSeeds(tb testing.TB, c codec.Codec) [][]byte {
	tb.Helper()
	a, err := c.AppendCall(nil, "obj", "m", []any{1, "a'", []any{nil}}, false, codec.Kwargs{"k": 1.5}, nil)
	require.NoError(tb, err)
	b, err := c.AppendCall(nil, "obj", "__getattr__", []any{"x"}, true, codec.NoKwargs, nil)
	require.NoError(tb, err)
	entries := []codec.BatchEntry{{Method: "m", Args: []any{1}}, {Method: "n", Kwargs: codec.Kwargs{"k": "v"}}}
	d, err := c.AppendBatch(nil, "obj", entries, nil)
	require.NoError(tb, err)
	return [][]byte{a, b, d}
}

// anySink takes all arguments.
type anySink struct {
	args  []*any
	names []string
}

func (s *anySink) next() (any, error) {
	s.args = append(s.args, new(any))
	return s.args[len(s.args)-1], nil
}

func (s *anySink) Positional(int) (any, error) { return s.next() }

func (s *anySink) Keyword(name []byte) (any, error) {
	s.names = append(s.names, string(name))
	return s.next()
}

func (s *anySink) None(bool) error { return nil }

// Call opens data as a call and as a batch; what is a call is also a value.
func Call(t *testing.T, c codec.Codec, data []byte) {
	t.Helper()
	h, err := c.OpenCall(data, nil)
	if err != nil {
		RequireReadError(t, err)
		return
	}
	s := &anySink{}
	if err := c.DecodeArgs(h, s, nil); err == nil {
		var v any
		require.NoError(t, c.Unmarshal(data, &v, &codec.Options{MaxDepth: codec.DefaultMaxDepth + 10}), "%q", data)
	} else {
		RequireReadError(t, err)
	}
	for e, err := range c.OpenBatch(h, nil) {
		if err != nil {
			RequireReadError(t, err)
			break
		}
		if err := c.DecodeArgs(e, &anySink{}, nil); err != nil {
			RequireReadError(t, err)
		}
	}
}
