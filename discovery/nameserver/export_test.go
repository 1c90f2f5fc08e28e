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

// PollPatience sets for how long a watch waits for one answer of a name server that cannot tell, until the test ends.
func PollPatience(t *testing.T, d time.Duration) {
	t.Helper()
	before := pollPatience
	pollPatience = d
	t.Cleanup(func() { pollPatience = before })
}

// StickTime sets for how long resolvers that are made ask a location first that was found after a wait, until the test ends.
func StickTime(t *testing.T, d time.Duration) {
	t.Helper()
	before := stickTime
	stickTime = d
	t.Cleanup(func() { stickTime = before })
}

var BroadcastAddress = broadcastAddress

// BroadcastAddresses returns where a broadcast to given is sent.
func BroadcastAddresses(given ...string) []string { return broadcastAddresses(given) }
