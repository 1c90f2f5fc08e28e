package nameserver

import (
	"context"
	"net"
	"net/netip"
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

// NoSweepPauses has registrars withdraw what they have left behind whenever they do something, until the test ends.
func NoSweepPauses(t *testing.T) {
	t.Helper()
	every, rest := sweepEvery, sweepRest
	sweepEvery, sweepRest = 0, 0
	t.Cleanup(func() { sweepEvery, sweepRest = every, rest })
}

// Network has host names mean addresses, and connections to these made by dial, until the test ends.
func Network(t *testing.T, hosts map[string][]string, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	t.Helper()
	before := lookupAddresses
	lookupAddresses = func(ctx context.Context, network, host string) (addresses []netip.Addr, err error) {
		if hosts[host] == nil {
			return before(ctx, network, host)
		}
		for _, a := range hosts[host] {
			addresses = append(addresses, netip.MustParseAddr(a))
		}
		return addresses, nil
	}
	connect = dial
	t.Cleanup(func() { lookupAddresses, connect = before, nil })
}

// ByTurns returns the order in which addresses are tried.
var ByTurns = byTurns

var BroadcastAddress = broadcastAddress

// BroadcastAddresses returns where a broadcast to given is sent.
func BroadcastAddresses(given ...string) []string { return broadcastAddresses(given) }
