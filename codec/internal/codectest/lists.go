package codectest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// A places is a ListSink of some pointers.
type places struct {
	at        []any
	instances map[int]any
	take      bool // the instances
	misfits   []int
	stop      error // what Misfit returns
}

var errNoPlace = errors.New("no place for it")

func (p *places) Element(i int) (any, error) {
	if i >= len(p.at) {
		return nil, errNoPlace
	}
	return p.at[i], nil
}

func (p *places) Instance(i int, class string, value func() (any, error)) bool {
	if p.instances == nil {
		p.instances = map[int]any{}
	}
	p.instances[i] = class
	if p.take {
		p.instances[i], _ = value()
	}
	return p.take
}

func (p *places) Misfit(i int, _ error) error {
	p.misfits = append(p.misfits, i)
	return p.stop
}

// lists reads lists whose elements have places of their own.
func lists(t *testing.T, c codec.Codec) {
	encode := func(t *testing.T, v any) []byte {
		t.Helper()
		data, err := c.Append(nil, v, nil)
		require.NoError(t, err)
		return data
	}
	t.Run("each in its type", func(t *testing.T) {
		var (
			n      int8
			s      string
			list   []float64
			p      pair
			m      map[string]int
			b      base
			void   *int
			any1   any
			anyMap any
		)
		sink := &places{at: []any{&n, &s, &list, &p, &m, &b, &void, &any1, &anyMap}}
		data := encode(t, []any{
			7,
			"it's",
			[]any{1.5, 2.0},
			codec.Tuple{3, "x"},
			map[string]any{"a": 1},
			map[string]any{"id": 5, "Name": "n"},
			nil,
			1.5,
			map[string]any{"deep": []any{map[string]any{}}},
		})
		require.NoError(t, c.Unmarshal(data, sink, nil))
		require.EqualValues(t, 7, n)
		require.Equal(t, "it's", s)
		require.Equal(t, []float64{1.5, 2}, list)
		require.Equal(t, pair{X: 3, Y: "x"}, p)
		require.Equal(t, map[string]int{"a": 1}, m)
		require.Equal(t, base{ID: 5, Name: "n"}, b)
		require.Equal(t, any(1.5), any1)
		require.Equal(t, map[string]any{"deep": []any{map[string]any{}}}, anyMap)
		require.Empty(t, sink.misfits)
		require.Empty(t, sink.instances)
	})
	t.Run("none", func(t *testing.T) {
		require.NoError(t, c.Unmarshal(encode(t, []any{}), &places{}, nil))
		require.NoError(t, c.Unmarshal(encode(t, codec.Tuple{}), &places{}, nil))
	})
	t.Run("what does not fit is passed over", func(t *testing.T) {
		var a, z, deep, scalar int
		sink := &places{at: []any{&a, &scalar, &deep, &z}}
		data := encode(t, []any{1, "text", []any{map[string]any{"k": []any{1, "(", 2}}}, 4})
		require.NoError(t, c.Unmarshal(data, sink, nil))
		require.Equal(t, []int{1, 2}, sink.misfits)
		require.Equal(t, []int{1, 0, 0, 4}, []int{a, scalar, deep, z})

		sink = &places{at: []any{&a, &scalar}, stop: errNoPlace}
		require.ErrorIs(t, c.Unmarshal(data, sink, nil), errNoPlace)
	})
	t.Run("half read and then not fit", func(t *testing.T) {
		var ints []int
		var z string
		sink := &places{at: []any{&ints, &z}}
		require.NoError(t, c.Unmarshal(encode(t, []any{[]any{1, 2, []any{3, "x"}, 4}, "end"}), sink, nil))
		require.Equal(t, []int{0}, sink.misfits)
		require.Equal(t, "end", z)
	})
	t.Run("instances are offered", func(t *testing.T) {
		object := codec.Object{Class: "shop.Tea", Attrs: map[string]any{"id": int64(3), "Name": "oolong"}}
		data := encode(t, []any{1, object, map[string]any{"id": 4}})
		var n int
		var b, c2 base
		sink := &places{at: []any{&n, &b, &c2}}
		require.NoError(t, c.Unmarshal(data, sink, nil))
		require.Equal(t, map[int]any{1: "shop.Tea"}, sink.instances)
		require.Equal(t, base{ID: 3, Name: "oolong"}, b, "it was left to the pointer")
		require.EqualValues(t, 4, c2.ID)

		b = base{}
		sink = &places{at: []any{&n, &b, &c2}, take: true}
		require.NoError(t, c.Unmarshal(data, sink, nil))
		require.Equal(t, map[int]any{1: object}, sink.instances)
		require.Zero(t, b)
		require.EqualValues(t, 4, c2.ID)
	})
	t.Run("more than there are places", func(t *testing.T) {
		var n int
		require.ErrorIs(t, c.Unmarshal(encode(t, []any{1, 2}), &places{at: []any{&n}}, nil), errNoPlace)
	})
	t.Run("no list", func(t *testing.T) {
		for _, v := range []any{nil, 1, "text", map[string]any{"a": 1}} {
			var typ *codec.TypeError
			require.ErrorAs(t, c.Unmarshal(encode(t, v), &places{}, nil), &typ, "%v", v)
		}
	})
	t.Run("cut short", func(t *testing.T) {
		data := encode(t, []any{1, "text", map[string]any{"a": []any{2}}, "end"})
		for n := range data {
			var a, b, x, y any
			require.Error(t, c.Unmarshal(data[:n], &places{at: []any{&a, &b, &x, &y}}, nil), "%d of %d bytes", n, len(data))
		}
	})
}

// A growing sink has a place for each element, of the types that next returns in turn.
type growing struct {
	next    func(i int) any
	taken   []any
	misfits int
}

func (g *growing) Element(i int) (any, error) {
	g.taken = append(g.taken[:i], g.next(i)) // a serializer may begin again
	return g.taken[i], nil
}

// Instance looks at every other instance, and leaves it.
func (g *growing) Instance(i int, _ string, value func() (any, error)) bool {
	if i%2 == 0 {
		_, _ = value()
	}
	return false
}

func (g *growing) Misfit(int, error) error {
	g.misfits++
	return nil
}

// listed reads data as a list: into elements of any type, which must be those of the tree, and into
// elements of types that they may or may not fit.
func listed(t *testing.T, c codec.Codec, data []byte, tree any, treeErr error) {
	t.Helper()
	types := []func() any{
		func() any { return new(int) }, func() any { return new(string) }, func() any { return new(map[string]any) },
		func() any { return new(*everything) }, func() any { return new([]pair) }, func() any { return new(error) },
	}
	for shift := range types {
		err := c.Unmarshal(data, &growing{next: func(i int) any { return types[(i+shift)%len(types)]() }}, nil)
		if err != nil {
			RequireReadError(t, err)
		}
	}
	var items []any
	switch x := tree.(type) {
	case []any:
		items = x
	case codec.Tuple:
		items = x
	default:
		return
	}
	sink := &growing{next: func(int) any { return new(any) }}
	err := c.Unmarshal(data, sink, nil)
	if treeErr != nil {
		return
	}
	require.NoError(t, err)
	require.Zero(t, sink.misfits)
	require.Len(t, sink.taken, len(items))
	for i, p := range sink.taken {
		want, err := c.Append(nil, items[i], nil)
		if err != nil {
			continue // such as a lone surrogate in json
		}
		v, _ := p.(*any)
		out, err := c.Append(nil, *v, nil)
		require.NoError(t, err)
		require.Equal(t, string(want), string(out))
	}
}
