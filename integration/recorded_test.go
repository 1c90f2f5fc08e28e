//go:build integration

package integration

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
)

var recordings = flag.String("recordings", "", "folder to keep the recorded conversations with Python in")

// What Python said once, it says again without Python.
func TestAConversationWithPythonIsReplayed(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		dir := *recordings
		if dir == "" {
			dir = t.TempDir()
		}
		file := filepath.Join(dir, strings.ToLower(d.String())+".txt")
		uri := peers.Service(t, d).URIs["svc"]
		t.Run("record", func(t *testing.T) { talk(t, uri, d, servicetest.Record(t, file)) })
		t.Run("replay", func(t *testing.T) { talk(t, "PYRO:svc@nowhere:1", d, servicetest.Replay(t, file)) })
	})
}

func talk(t *testing.T, uri string, d peers.Dialect, dial servicetest.DialFunc) {
	t.Helper()
	p := proxy(t, uri, service.DialWith(dial), service.Dialect(wire(d)))
	ctx := within(t, soon)
	sum, err := service.Call[int](ctx, p, "add", 20, 22)
	require.NoError(t, err)
	require.Equal(t, 42, sum)
	velocity, err := service.Get[float64](ctx, p, "velocity")
	require.NoError(t, err)
	require.InDelta(t, 1.5, velocity, 0)
	var items []int
	for item, err := range service.Stream[int](ctx, p, "stream", 5) {
		require.NoError(t, err)
		if items = append(items, item); len(items) == 3 {
			break // at its end, Python's traceback would name the files of whoever records
		}
	}
	require.Equal(t, []int{0, 1, 2}, items)
}
