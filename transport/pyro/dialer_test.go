package pyro_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// hosts resolves every name to the same addresses.
type hosts []string

func (h hosts) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host == "nobody" {
		return nil, nil
	}
	var addrs []netip.Addr
	for _, s := range h {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs, nil
}

// A network connects after a time, or fails, or says nothing at all.
type network struct {
	after  map[string]time.Duration // by address; none: silence
	broken map[string]bool

	mu    sync.Mutex
	tried []string
	open  int
}

func (n *network) connect(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.tried = append(n.tried, address)
	n.mu.Unlock()
	d, answers := n.after[address]
	if !answers {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if n.broken[address] {
		return nil, errors.New(address + ": refused")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open++
	a, b := net.Pipe()
	_ = b.Close()
	return &counted{a, n, address}, nil
}

// counted tells when it is closed.
type counted struct {
	net.Conn

	n       *network
	address string
}

func (c *counted) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.open--
	return c.Conn.Close()
}

func TestAllAddressesOfAHostAreTried(t *testing.T) {
	const (
		four1, four2 = "10.0.0.1:9", "10.0.0.2:9"
		six1, six2   = "[fd00::1]:9", "[fd00::2]:9"
	)
	all := hosts{"fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2"}
	tests := map[string]struct {
		prefer int
		after  map[string]time.Duration
		broken map[string]bool
		tried  []string
		want   string // the address that wins
		within time.Duration
	}{
		"the first answers":           {0, map[string]time.Duration{six1: 0}, nil, []string{six1}, six1, 0},
		"the versions take turns":     {0, map[string]time.Duration{four2: 0}, nil, []string{six1, four1, six2, four2}, four2, 750 * time.Millisecond},
		"one that fails waits not":    {0, map[string]time.Duration{six1: 0, four1: 0}, map[string]bool{six1: true}, []string{six1, four1}, four1, 0},
		"a slow one still wins":       {0, map[string]time.Duration{six1: 300 * time.Millisecond}, nil, []string{six1, four1}, six1, 300 * time.Millisecond},
		"IPv4 is preferred":           {4, map[string]time.Duration{four1: 0}, nil, []string{four1}, four1, 0},
		"the other one all the same":  {4, map[string]time.Duration{six2: 0}, nil, []string{four1, six1, four2, six2}, six2, 750 * time.Millisecond},
		"both win, and one is closed": {6, map[string]time.Duration{six1: 251 * time.Millisecond, four1: time.Millisecond}, nil, []string{six1, four1}, "", 251 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{after: tt.after, broken: tt.broken}
				d := &pyro.Dialer{Prefer: tt.prefer, Resolver: all, Connect: n.connect}
				begin := time.Now()
				c, err := d.DialContext(t.Context(), "tcp", "host:9")
				require.NoError(t, err)
				require.Equal(t, tt.within, time.Since(begin))
				require.Equal(t, tt.tried, n.tried)
				won, ok := c.(*counted)
				require.True(t, ok)
				if tt.want != "" {
					require.Equal(t, tt.want, won.address)
				}
				require.Equal(t, 1, n.open, "the others are closed")
				require.NoError(t, c.Close())
			})
		})
	}
}

func TestADialThatFailsSaysWhyForEachAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := map[string]bool{"10.0.0.1:9": true, "10.0.0.2:9": true}
		n := &network{after: map[string]time.Duration{"10.0.0.1:9": 0, "10.0.0.2:9": 0}, broken: broken}
		d := &pyro.Dialer{Resolver: hosts{"10.0.0.1", "10.0.0.2"}, Connect: n.connect}
		_, err := d.DialContext(t.Context(), "tcp", "host:9")
		require.EqualError(t, err, "10.0.0.1:9: refused; 10.0.0.2:9: refused")
		_, err = d.DialContext(t.Context(), "tcp", "nobody:9")
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)

		silent := &pyro.Dialer{Resolver: hosts{"10.0.0.1", "10.0.0.2"}, Connect: (&network{}).connect}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = silent.DialContext(ctx, "tcp", "host:9")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestAnAddressIsDialledAsItIs(t *testing.T) {
	n := &network{after: map[string]time.Duration{"127.0.0.1:9": 0, "[::1]:9": 0, "/socket": 0, ":9": 0}}
	d := &pyro.Dialer{Resolver: hosts{}, Connect: n.connect}
	for network, addresses := range map[string][]string{"tcp": {"127.0.0.1:9", "[::1]:9", ":9"}, "unix": {"/socket"}} {
		for _, address := range addresses {
			c, err := d.DialContext(t.Context(), network, address)
			require.NoError(t, err, address)
			require.NoError(t, c.Close())
		}
	}
}
