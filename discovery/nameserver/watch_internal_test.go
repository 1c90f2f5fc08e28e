package nameserver

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
)

// A snapshot is what a map of all that was told would be, and one that was given away does not change.
func TestSnapshotsAreWhatWasTold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	l := newListener(discovery.Query{}, nil)
	want := map[string]string{}
	for range 200 {
		before := l.all
		was := slices.Clone(before)
		for range random.IntN(5) {
			name := fmt.Sprint("n", random.IntN(30))
			told := codec.Tuple{"remove", name}
			delete(want, name)
			if random.IntN(3) > 0 {
				want[name] = fmt.Sprintf("PYRO:o@h:%d", random.IntN(1000)+1)
				told = codec.Tuple{"put", name, want[name], codec.Tuple{}}
			}
			_, err := l.take(told)
			require.NoError(t, err)
		}
		var names []string
		entries, _ := l.snapshot()
		for _, e := range entries {
			names = append(names, e.Name)
			require.Equal(t, want[e.Name], e.URI.String())
		}
		require.Equal(t, slices.Sorted(maps.Keys(want)), names)
		require.Equal(t, was, before)
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
