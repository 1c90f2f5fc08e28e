package nameserver_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// responder answers the n-th request with the n-th answers, as the broadcast ports of name servers do; "later" among
// them has it wait for a while.
func responder(t *testing.T, answers ...[]string) int {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if string(buf[:n]) != "GET_NSURI" || len(answers) == 0 {
				continue
			}
			for _, a := range answers[0] {
				if a == later {
					time.Sleep(100 * time.Millisecond)
					continue
				}
				_, _ = conn.WriteTo([]byte(a), from)
			}
			answers = answers[1:]
		}
	}()
	addr, ok := conn.LocalAddr().(*net.UDPAddr)
	require.True(t, ok)
	return addr.Port
}

const later = "later"

func nsAt(location string) string { return "PYRO:Pyro.NameServer@" + location }

func TestBroadcastReturnsTheNameServerThatAnswers(t *testing.T) {
	t.Parallel() // rounds take their time
	location := start(t)
	liar, quiet := nsAt(nobody(t)), nsAt(silent(t))
	tests := []struct {
		name    string
		answers [][]string
	}{
		{"the only one", [][]string{{nsAt(location)}}},
		{"after one that is not there", [][]string{{liar, nsAt(location)}}},
		{"beside one that accepts connections and says nothing", [][]string{{quiet, nsAt(location)}}},
		{"in the second round", [][]string{{liar}, {liar, nsAt(location)}}},
		{"in the last round, after one that is not there", [][]string{nil, nil, {liar, later, nsAt(location)}}},
		{"after what is no URI of a name server", [][]string{{
			"go away", "", "PYRONAME:Pyro.NameServer", "PYRO:other@" + location, "PYRO:Pyro.NameServer@./u:/tmp/s",
		}, {nsAt(location)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := nameserver.Broadcast(t.Context(), pyro.DialConfig{}, responder(t, tt.answers...), "127.0.0.1")
			require.NoError(t, err)
			defer c.Close()
			require.Equal(t, location, c.URI().Location())
			require.NoError(t, c.Ping(t.Context()))
		})
	}
}

func TestBroadcastSaysWhereItAsked(t *testing.T) {
	t.Parallel()
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		_, err := nameserver.Broadcast(t.Context(), pyro.DialConfig{}, responder(t), "127.0.0.1", "127.0.0.2")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorContains(t, err, "no name server answered the broadcast to 127.0.0.1, 127.0.0.2 at port ")
	})
	t.Run("all who answer are liars", func(t *testing.T) {
		t.Parallel()
		one, two := nobody(t), nobody(t)
		_, err := nameserver.Broadcast(t.Context(), pyro.DialConfig{}, responder(t, []string{nsAt(one), nsAt(two)}), "127.0.0.1")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorContains(t, err, "answered that it is at "+one)
		require.ErrorContains(t, err, "answered that it is at "+two)
	})
	t.Run("nothing can be sent", func(t *testing.T) {
		t.Parallel()
		_, err := nameserver.Broadcast(t.Context(), pyro.DialConfig{}, 0, "nowhere.invalid")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorContains(t, err, "broadcast at port 9091: not sent to nowhere.invalid: ")
	})
}

func TestBroadcastEndsWithItsContext(t *testing.T) {
	for name, answers := range map[string][][]string{
		"nobody answers":                  nil,
		"who answers keeps the ping open": {{nsAt(silent(t))}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := nameserver.Broadcast(ctx, pyro.DialConfig{}, responder(t, answers...), "127.0.0.1")
			require.ErrorIs(t, err, transport.ErrTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)

			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(10*time.Millisecond, cancel)
			_, err = nameserver.Broadcast(ctx, pyro.DialConfig{}, responder(t, answers...), "127.0.0.1")
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, transport.ErrTimeout)
		})
	}
}

func TestBroadcastTriesNotAllThatItIsTold(t *testing.T) {
	var many []string
	for range 5 {
		for port := range 40 {
			many = append(many, nsAt(net.JoinHostPort("127.0.0.1", []string{"1", "2"}[port%2]+string(rune('0'+port/4)))))
		}
	}
	var mu sync.Mutex
	dialed := map[string]int{}
	cfg := pyro.DialConfig{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		dialed[address]++
		return nil, net.ErrClosed
	}}
	_, err := nameserver.Broadcast(t.Context(), cfg, responder(t, many, many), "127.0.0.1")
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.Len(t, dialed, 16)
	for address, times := range dialed {
		require.Equal(t, 1, times, address)
	}
}

func TestBroadcastAddressOfANetwork(t *testing.T) {
	for network, want := range map[string]string{
		"10.9.8.7/24":        "10.9.8.255",
		"172.17.0.1/16":      "172.17.255.255",
		"192.168.1.5/30":     "192.168.1.7",
		"127.0.0.1/8":        "127.255.255.255",
		"192.168.1.5/31":     "<nil>",
		"192.168.1.5/32":     "<nil>",
		"fe80::1/64":         "<nil>",
		"::ffff:1.2.3.4/128": "<nil>",
	} {
		ip, n, err := net.ParseCIDR(network)
		require.NoError(t, err)
		n.IP = ip
		require.Equal(t, want, nameserver.BroadcastAddress(n).String(), network)
	}
}

func TestAllNetworksOfThisMachineAreAsked(t *testing.T) {
	require.Equal(t, []string{"10.1.2.3", "127.0.0.1"}, nameserver.BroadcastAddresses("10.1.2.3", "127.0.0.1", "10.1.2.3"))
	all := nameserver.BroadcastAddresses()
	require.Equal(t, "255.255.255.255", all[0])
	require.Contains(t, all, "127.255.255.255")
	require.Equal(t, append(all, "10.1.2.3"), nameserver.BroadcastAddresses("<broadcast>", "10.1.2.3"))
}
