package nameserver

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// What is compared has the reading of the monotonic clock, which a time without it (of a file, of a wire) has not: somebody
// who sets the machine's clock ends no lease and removes no name.
func TestTheClockOfTheMachineMayBeSet(t *testing.T) {
	n := New()
	defer n.Close()
	monotonic := func(at time.Time) {
		t.Helper()
		require.NotEqual(t, at.Round(0), at, "%v", at)
	}
	r := storage.Record{Name: "a", URI: "PYRO:o@127.0.0.1:1", Lease: time.Hour}
	n.leases.set(r)
	monotonic(n.leases.queue[0].ends)
	n.leases.anew(time.Now())
	monotonic(n.leases.queue[0].ends)
	ended := n.leases.queue[0]
	n.leases.later([]*lease{ended})
	monotonic(ended.ends)

	require.NoError(t, n.store.Put(t.Context(), r, false))
	unreachable := func(string, string) error { return net.ErrClosed }
	require.NoError(t, n.Clean(t.Context(), time.Hour, unreachable))
	monotonic(n.cleaner.failing["a"].since)
}
