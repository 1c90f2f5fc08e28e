package nameserver

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
)

// A snapshot is what a map of all that was told would be, in whatever order, over what was there before the connection; and one
// that was given away does not change.
func TestSnapshotsAreWhatWasTold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	want := map[string]string{}
	tell := func(l *listener, names ...int) {
		for _, n := range names {
			name := fmt.Sprint("n", n)
			told := codec.Tuple{"remove", name}
			delete(want, name)
			switch uri := fmt.Sprintf("PYRO:o@h:%d", random.IntN(1000)+1); random.IntN(4) {
			case 0: // it is removed
			case 1:
				told = codec.Tuple{"put", name, uri, codec.Tuple{"other"}}
			default:
				want[name] = uri
				told = codec.Tuple{"put", name, uri, codec.Tuple{"t"}}
			}
			_, err := l.take(told)
			require.NoError(t, err)
		}
	}
	var all []discovery.Entry
	for connection := range 1000 {
		l := newListener(discovery.Query{All: []string{"t"}}, all)
		first := make([]int, random.IntN(40)) // some come twice
		for i := range first {
			first[i] = random.IntN(30)
		}
		if connection%2 == 0 {
			slices.SortFunc(first, func(a, b int) int { return strings.Compare(strconv.Itoa(a), strconv.Itoa(b)) })
		}
		tell(l, first...)
		synced, err := l.take(codec.Tuple{"synced"})
		require.NoError(t, err)
		require.True(t, synced)
		for range 5 {
			before, was := all, slices.Clone(all)
			all, _ = l.snapshot()
			var names []string
			for _, e := range all {
				names = append(names, e.Name)
				require.Equal(t, want[e.Name], e.URI.String())
			}
			require.Equal(t, slices.Sorted(maps.Keys(want)), names)
			require.Equal(t, was, before)
			tell(l, random.Perm(30)[:random.IntN(5)]...)
		}
		all, _ = l.snapshot()
	}
}

// What was there before a connection was lost stays until the name server has told of it, or the grace is over.
func TestWhatWasThereBeforeStaysForAWhile(t *testing.T) {
	before := []discovery.Entry{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	names := func(l *listener) (all []string) {
		entries, _ := l.snapshot()
		for _, e := range entries {
			all = append(all, e.Name)
		}
		return all
	}
	l := newListener(discovery.Query{}, before)
	_, err := l.take(codec.Tuple{"put", "b", "PYRO:o@h:1", codec.Tuple{}})
	require.NoError(t, err)
	_, err = l.take(codec.Tuple{"remove", "c"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, names(l))
	l.forget()
	require.Equal(t, []string{"b"}, names(l))
}
