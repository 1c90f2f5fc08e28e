package discovery_test

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
)

type order struct {
	Customer *string
	Lines    []*int
	Notes    map[string]*string
	paid     any
}

type link struct {
	value      int
	prev, next *link
}

func (*link) method() {}

// Keys of arguments are the same in every process: the texts stand here.
func TestArgumentAsAKey(t *testing.T) {
	makeOrder := func() *order {
		name, count, note := "Ann", 3, "soon"
		return &order{Customer: &name, Lines: []*int{&count, nil}, Notes: map[string]*string{"b": &note, "a": nil}, paid: &count}
	}
	first := &link{value: 1}
	last := first
	for i := range 40 {
		last.next = &link{value: i + 2}
		last = last.next
	}
	now := time.Now()
	tests := []struct {
		argument any
		want     string
	}{
		{"Ann", "Ann"},
		{5, "5"},
		{new("Ann"), "Ann"},
		{new(new(5)), "5"},
		{(*int)(nil), "<nil>"},
		{nil, "<nil>"},
		{true, "true"},
		{1.5, "1.5"},
		{[]byte("ab"), "[97 98]"},
		{codec.Tuple{1, new("a")}, "[1 a]"},
		{makeOrder(), "{Ann [3 <nil>] map[a:<nil> b:soon] 3}"},
		{*makeOrder(), "{Ann [3 <nil>] map[a:<nil> b:soon] 3}"},
		{map[int]bool{2: true, 1: false}, "map[1:false 2:true]"},
		{codec.NewDict("b", 1, "a", new(2)), "map[a:2 b:1]"},
		{codec.NewSet("y", "x"), "map[x:true y:true]"},
		{codec.Set{}, "map[]"},
		{(*codec.Dict)(nil), "map[]"},
		{(*big.Int)(nil), "<nil>"},
		{big.NewInt(7), "7"},
		{now, fmt.Sprint(now.Round(0))},
		{errors.New("no"), "no"},
		{first.method, "func()"},
		{make(chan int), "chan int"},
	}
	key := discovery.Argument(1)
	for _, tt := range tests {
		require.Equal(t, tt.want, key(called("x", tt.argument)), "%T", tt.argument)
	}
	require.Empty(t, key(called("x")))
	require.Empty(t, discovery.Argument(-1)(called("x")))
	require.Contains(t, key(called("x", first)), "{16 ", "what is deep has an end")
	require.NotContains(t, key(called("x", first)), "{41 ")
}

// What refers to the same over and over, or to itself, would have a text without an end. Equal values have the same key then,
// too, whatever order maps have.
func TestKeysAreBounded(t *testing.T) {
	deep := func() []any {
		list, dict, both := any(1), any("x"), any(2)
		for range 30 {
			list, dict = []any{list, &list}, map[any]any{"a": dict, "b": &dict, 3: dict}
			both = codec.NewDict("list", []any{both, both}, "set", codec.NewSet(&both), "dict", map[string]any{"a": both, "b": both})
		}
		cyclic := &link{value: 1}
		cyclic.next = &link{value: 2, prev: cyclic, next: cyclic}
		cyclic.prev = cyclic.next
		return []any{list, dict, both, cyclic, make([]struct{}, 1<<30), strings.Split(strings.Repeat("many ", 1<<20), " ")}
	}
	key := discovery.Argument(0)
	other := deep()
	for i, v := range deep() {
		text := key(called(v))
		require.NotEmpty(t, text)
		require.Less(t, len(text), 512<<10)
		same := text == key(called(other[i])) // too long to be shown
		require.True(t, same, "%T", v)
	}
	numbers := map[int]int{}
	for i := range 100_000 {
		numbers[i] = i
	}
	same := key(called(numbers)) == key(called(maps.Clone(numbers)))
	require.True(t, same)
	text := strings.Repeat("x", 2<<20)
	require.Equal(t, text, key(called(text)), "texts count in full")
}
