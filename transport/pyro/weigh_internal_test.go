package pyro

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/fastdict"
)

type node struct {
	Name string
	Next *node
	Data [][]byte
}

func TestWhatAValueIsLikelyToWeigh(t *testing.T) {
	type entry struct{ Key, Value string }
	big := strings.Repeat("x", 1<<20)
	cycle := &node{Name: "a"}
	cycle.Next = cycle
	dict := codec.NewDict()
	dict.Set("k", slices.Repeat([]any{"0123456789"}, 100_000))
	intMap := map[int]string{}
	for i := range 50_000 {
		intMap[i] = "0123456789"
	}
	names := &fastdict.Texts{}
	for range 100_000 {
		names.Add("example.name", "PYRO:object@localhost:4711")
	}
	tests := []struct {
		name string
		v    any
	}{
		{"text", big},
		{"bytes in a tuple", codec.Tuple{1, []byte(big)}},
		{"texts", slices.Repeat([]string{"0123456789"}, 100_000)},
		{"ints", make([]int, 500_000)},
		{"structs", slices.Repeat([]entry{{"key", "0123456789"}}, 50_000)},
		{"a list of lists", slices.Repeat([]any{slices.Repeat([]any{"0123456789"}, 1000)}, 100)},
		{"results of a batch", []any{1, "a", nil, slices.Repeat([]string{"0123456789"}, 100_000), 2.5}},
		{"a map", map[string]any{"a": 1, "b": slices.Repeat([]any{"0123456789"}, 100_000)}},
		{"a map with other keys", intMap},
		{"a dict", dict},
		{"names", names},
		{"names in a batch", []any{1, names}},
		{"a pointer", &node{Data: [][]byte{[]byte(big)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			encoded, err := serpent.Marshal(tt.v)
			require.NoError(t, err)
			n := weigh(codec.ValueOf(tt.v))
			require.Greater(t, 3*n, int64(len(encoded)))
			require.Less(t, n, 9*int64(len(encoded)))
		})
	}
	for _, v := range []any{nil, true, 5, "a", 2.5, []any{}, map[string]any{}, (*node)(nil), cycle, []any{nil, (*node)(nil)}} {
		require.Less(t, weigh(codec.ValueOf(v)), int64(1000), "%v", v)
	}
	raw := codec.RawValue(make([]byte, 5<<20), serpent.Codec, nil)
	require.Equal(t, int64(5<<20), weigh(raw))
}

// Whoever knows which items are looked at can have a list weigh far more than it does.
func TestWhatLooksVeryLongHasAnEndAllTheSame(t *testing.T) {
	var v any = strings.Repeat("x", 1<<10)
	for range weighDepth {
		items := make([]any, 1<<20)
		for i := range weighItems {
			items[i*len(items)/weighItems] = v
		}
		v = items
		n := weigh(codec.ValueOf(v))
		require.Positive(t, n)
		require.LessOrEqual(t, n, int64(2*mostWeight))
	}
}

// What is guessed to be far too long takes all the room that there is, in it and in memory, and not more.
func TestAGuessTakesNoMoreThanThereIs(t *testing.T) {
	for _, compress := range []bool{false, true} {
		s, err := NewServer(Handler{}, ServerConfig{MaxUnsentSize: 4 << 20, Compress: compress})
		require.NoError(t, err)
		near, far := net.Pipe()
		w := newWorker(newServerConn(s, near, ListenConfig{}))
		w.o.maxSize = DefaultMaxMessageSize
		w.expected = mostWeight
		require.NoError(t, w.Reserve(t.Context(), w.expected))
		w.grow()
		require.Equal(t, int64(4<<20), s.unsent.held.Load())
		require.Less(t, cap(*w.out), 5<<20)
		w.hold(-w.counted)
		require.Zero(t, s.unsent.held.Load())
		require.NoError(t, s.Close())
		require.NoError(t, errors.Join(near.Close(), far.Close()))
	}
}

func TestASmallValueIsWeighedWithoutMemory(t *testing.T) {
	for _, v := range []any{"text", 5, map[string]any{"a": 1}, []any{"a", 2}, &node{Name: "a"}, []string{"a", "b"}} {
		value := codec.ValueOf(v)
		require.Zero(t, testing.AllocsPerRun(100, func() { weigh(value) }), "%T", v)
	}
}

func BenchmarkWeigh(b *testing.B) {
	for _, v := range []any{"text", map[string]any{"a": 1, "b": "c"}, []string{"a", "b", "c", "d", "e"}, &node{Name: "a"}, make([]int, 1000)} {
		value := codec.ValueOf(v)
		b.Run("", func(b *testing.B) {
			for b.Loop() {
				weigh(value)
			}
		})
	}
}
