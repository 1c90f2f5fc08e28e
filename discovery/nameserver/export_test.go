package nameserver

import (
	"testing"
	"time"
)

// WatchGrace sets for how long what a name server has lost is still told of, until the test ends.
func WatchGrace(t *testing.T, d time.Duration) {
	t.Helper()
	before := watchGrace
	watchGrace = d
	t.Cleanup(func() { watchGrace = before })
}

var BroadcastAddress = broadcastAddress

// BroadcastAddresses returns where a broadcast to given is sent.
func BroadcastAddresses(given ...string) []string { return broadcastAddresses(given) }
