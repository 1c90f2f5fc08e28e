package discovery_test

import (
	"errors"
	"fmt"
	"math/big"
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
		last.next = &link{value: i + 2, prev: last}
		last = last.next
	}
	short := &link{value: 1}
	short.next = &link{value: 2, prev: short}
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
		{short, "{1 <nil> {2 *discovery_test.link <nil>}}"},
		{short.method, "func()"},
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
