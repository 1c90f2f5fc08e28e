package nameserver_test

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// hosts are machines of a network: where each address leads to; "" is one where connecting takes for ever.
type hosts struct {
	at map[string]string

	mu    sync.Mutex
	tried []string
}

func (h *hosts) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.tried = append(h.tried, host)
	to, known := h.at[host]
	h.mu.Unlock()
	if known && to == "" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if known {
		address = to
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

const (
	six1, six2   = "2001:db8::1", "2001:db8::2"
	four1, four2 = "192.0.2.1", "192.0.2.2"
)

// Of the addresses of a host some may be dead, and at others nobody may answer: one that does is found.
func TestAllAddressesOfANameServerAreTried(t *testing.T) {
	good, quiet, dead := start(t), silent(t), nobody(t)
	for name, at := range map[string]map[string]string{
		"the first":                     {six1: good, six2: "", four1: "", four2: ""},
		"the last":                      {six1: "", six2: quiet, four1: dead, four2: good},
		"IPv6 hangs":                    {six1: "", six2: "", four1: good, four2: dead},
		"IPv6 connects and then hangs":  {six1: quiet, six2: quiet, four1: good, four2: good},
		"IPv4 is dead":                  {six1: quiet, six2: good, four1: dead, four2: dead},
		"only one that takes long says": {six1: quiet, six2: "", four1: quiet, four2: good},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hosts{at: at}
			nameserver.Network(t, map[string][]string{"ns.test": {six1, six2, four1, four2}}, h.dial)
			l := nameserver.Locator{Locations: []string{"ns.test:9"}, Stagger: time.Millisecond, Dial: pyro.DialConfig{Timeout: soon}}
			c, err := l.Locate(t.Context())
			require.NoError(t, err)
			defer c.Close()
			require.Equal(t, "ns.test:9", c.URI().Location())
			_, err = c.Count(t.Context())
			require.NoError(t, err)
			tried := len(h.tried)
			next, end := iter.Pull2(c.Watch(t.Context(), discovery.Query{}))
			defer end()
			entries, err, _ := next()
			require.NoError(t, err)
			require.Len(t, entries, 1)
			require.Len(t, h.tried, tried+1, "connections to come go where it answered")
		})
	}
}

func TestALocatedNameServerMayMoveToAnotherAddress(t *testing.T) {
	location, stop := startAt(t, "127.0.0.1:0")
	h := &hosts{at: map[string]string{four1: location, four2: nobody(t)}}
	nameserver.Network(t, map[string][]string{"localhost": {four1, four2}}, h.dial)
	port := port(t, location)
	c, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, "localhost:"+port)
	require.NoError(t, err)
	defer c.Close()
	stop()
	h.mu.Lock()
	h.at[four1] = nobody(t)
	h.mu.Unlock()
	_, stop = startAt(t, "127.0.0.1:"+port) // where localhost leads to by itself
	defer stop()
	require.Eventually(t, func() bool { return c.Ping(t.Context()) == nil }, soon, time.Millisecond)
}

func TestAHostThatAnswersNowhere(t *testing.T) {
	stuck := make(chan struct{})
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(service.New(nameserver.ObjectName).Method("ping", func() { <-stuck })))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) }()
	defer close(stuck)
	h := &hosts{at: map[string]string{six1: silent(t), four1: "", four2: srv.URI("").Location()}}
	nameserver.Network(t, map[string][]string{"ns.test": {six1, four1, four2}}, h.dial)
	l := nameserver.Locator{Locations: []string{"ns.test:9"}, Stagger: time.Millisecond, Dial: pyro.DialConfig{Timeout: time.Second}}
	_, err := l.Locate(context.Background()) // it would have no end
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, []string{six1, four1, four2}, h.tried, "each once")

	h.at = map[string]string{six1: nobody(t), four1: nobody(t), four2: nobody(t)}
	_, err = l.Locate(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable)
	for _, address := range h.at {
		require.ErrorContains(t, err, address, "it says what each address answered")
	}
}

func TestTheOrderOfAddresses(t *testing.T) {
	for _, tt := range []struct {
		prefer   int
		in, want string
	}{
		{0, "[2001:db8::1 2001:db8::2 192.0.2.1 ::ffff:192.0.2.1]", "[2001:db8::1 192.0.2.1 2001:db8::2]"},
		{0, "[192.0.2.1 192.0.2.2 2001:db8::1]", "[192.0.2.1 2001:db8::1 192.0.2.2]"},
		{4, "[2001:db8::1 2001:db8::2 192.0.2.1]", "[192.0.2.1 2001:db8::1 2001:db8::2]"},
		{6, "[192.0.2.1 192.0.2.1]", "[192.0.2.1]"},
		{6, "[192.0.2.1 2001:db8::1]", "[2001:db8::1 192.0.2.1]"},
		{0, "[]", "[]"},
	} {
		var in []netip.Addr
		for s := range strings.FieldsSeq(strings.Trim(tt.in, "[]")) {
			in = append(in, netip.MustParseAddr(s))
		}
		require.Equal(t, tt.want, fmt.Sprint(nameserver.ByTurns(in, tt.prefer)))
	}
}
