package nameserver_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// run runs a name server until the test ends.
func run(t *testing.T, opts ...nameserver.Option) *nameserver.NameServer {
	t.Helper()
	ns := nameserver.New(append([]nameserver.Option{nameserver.Logger(quiet())}, opts...)...)
	require.NoError(t, ns.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, ns.Shutdown(ctx))
	})
	return ns
}

func TestStartRegistersItself(t *testing.T) {
	tests := []struct {
		name    string
		opts    []nameserver.Option
		outside string // what it is registered with, if not where it is
	}{
		{name: "tcp", opts: []nameserver.Option{nameserver.Listen("tcp", "127.0.0.1:0")}},
		{name: "unix", opts: []nameserver.Option{nameserver.Listen("unix", filepath.Join(t.TempDir(), "ns"))}},
		{
			name:    "NAT",
			opts:    []nameserver.Option{nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.NAT("names.example.org", 4711)},
			outside: "PYRO:Pyro.NameServer@names.example.org:4711",
		},
		{
			name:    "what the server advertises, as PYRO_NATHOST has it",
			opts:    advertised("127.0.0.1:0", "names.example.org:4711"),
			outside: "PYRO:Pyro.NameServer@names.example.org:4711",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns := run(t, append(tt.opts, nameserver.Broadcast("127.0.0.1:0"), nameserver.Autoclean(time.Hour))...)
			require.Nil(t, ns.BroadcastAddr(), "not where only this machine can hear it")
			p, err := service.Connect(ns.InternalURI().String())
			require.NoError(t, err)
			defer p.Close()
			uri, err := service.Call[pyro.URI](t.Context(), p, "lookup", nameserver.ObjectName)
			require.NoError(t, err)
			require.Equal(t, ns.URI(), uri)
			if tt.outside != "" {
				require.Equal(t, tt.outside, uri.String())
			} else {
				require.Equal(t, ns.InternalURI(), uri)
			}
			require.Error(t, ns.Start(t.Context()))
		})
	}
}

func advertised(address, as string) []nameserver.Option {
	return []nameserver.Option{nameserver.Listen("tcp", address), nameserver.Server(service.Advertise(as))}
}

// Who hears a broadcast is on this side of NAT.
func TestAnswersToBroadcastsHaveTheRealAddress(t *testing.T) {
	for _, opts := range [][]nameserver.Option{
		{nameserver.Listen("tcp", "0.0.0.0:0"), nameserver.NAT("names.example.org", 4711)},
		advertised("0.0.0.0:0", "names.example.org:4711"),
	} {
		ns := run(t, append(opts, nameserver.Broadcast("127.0.0.1:0"))...)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp4", ns.BroadcastAddr().String())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = conn.Write([]byte("GET_NSURI"))
		require.NoError(t, err)
		answer := make([]byte, 200)
		n, err := conn.Read(answer)
		require.NoError(t, err)
		require.Equal(t, "PYRO:Pyro.NameServer@names.example.org:4711", ns.URI().String())
		p, err := service.Connect(string(answer[:n]))
		require.NoError(t, err)
		defer p.Close()
		require.NoError(t, service.Do(t.Context(), p, "ping"))
	}
}

func TestWarningsOfAddressesThatOthersCannotReach(t *testing.T) {
	const itself, registered = "only this machine can reach the name server", "other machines cannot reach it there"
	tests := []struct {
		name string
		opts []nameserver.Option
		uri  string // that is registered
		want []string
	}{
		{"localhost to itself", []nameserver.Option{nameserver.Listen("tcp", "localhost:0")}, "PYRO:o@localhost:1", nil},
		{"a unix socket", []nameserver.Option{nameserver.Listen("unix", filepath.Join(t.TempDir(), "ns"))}, "PYRO:o@localhost:1", nil},
		{"a name of loopback", []nameserver.Option{nameserver.Listen("tcp", "LOCALHOST:0")}, "PYRO:o@localhost:1", []string{itself}},
		{"localhost to others", outside, "PYRO:o@localhost:1", []string{registered}},
		{"no address at all to others", outside, "PYRO:o@0.0.0.0:1", []string{registered}},
		{"a unix socket to others", outside, "PYRO:o@./u:/tmp/s", []string{registered}},
		{"an address of the network to others", outside, "PYRO:o@10.1.2.4:1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			warnings := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			ns := run(t, append(tt.opts, nameserver.Logger(warnings))...)
			p, err := service.Connect(ns.InternalURI().String())
			require.NoError(t, err)
			defer p.Close()
			require.NoError(t, service.Do(t.Context(), p, "register", "app", tt.uri))
			require.NoError(t, service.Do(t.Context(), p, "lease", "leased app", tt.uri, 3600))
			for text, lines := range map[string]int{itself: 1, registered: 2} {
				if !slices.Contains(tt.want, text) {
					lines = 0
				}
				require.Equal(t, lines, strings.Count(log.String(), text), log.String())
			}
		})
	}
}

// outside is a name server that others can reach.
var outside = []nameserver.Option{nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.NAT("10.1.2.3", 0)}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ns := nameserver.New(nameserver.Logger(quiet()), nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Autoclean(time.Hour))
	ended := make(chan error)
	go func() { ended <- ns.Run(ctx) }()
	require.Eventually(t, func() bool { return ns.URI().Port != 0 }, patience, time.Millisecond)
	w := watch(t.Context(), t, ns.URI().Location(), codec.Pyro5, "none.")
	require.Equal(t, `("synced")`, w.next())
	cancel()
	require.NoError(t, <-ended, "a watch does not keep it")
	<-w.ended
}

func TestOptionsThatAreWrong(t *testing.T) {
	for want, o := range map[string]nameserver.Option{
		"NS_AUTOCLEAN cannot be smaller than 3": nameserver.Autoclean(2 * time.Second),
		`NAT("", 5): want a host and a port`:    nameserver.NAT("", 5),
	} {
		err := nameserver.New(o).Run(t.Context())
		require.ErrorContains(t, err, want)
	}
}

func TestBroadcastsAreAnswered(t *testing.T) {
	tests := []struct{ name, uri, send, want string }{
		{"as it is", "PYRO:Pyro.NameServer@names.example.org:9090", "GET_NSURI", "PYRO:Pyro.NameServer@names.example.org:9090"},
		{"by the address that faces the asker", "PYRO:Pyro.NameServer@0.0.0.0:9090", "GET_NSURI", "PYRO:Pyro.NameServer@127.0.0.1:9090"},
		{"in ISO-8859-1", "PYRO:Pyro.NameServer@zürich:9090", "GET_NSURI", "PYRO:Pyro.NameServer@z\xfcrich:9090"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			uri, err := pyro.ParseURI(tt.uri)
			require.NoError(t, err)
			at, stop, err := nameserver.Respond(t.Context(), "127.0.0.1:0", uri)
			require.NoError(t, err)
			defer stop()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp4", at.String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			for _, other := range []string{"GET_NSURI\n", "get_nsuri", ""} {
				_, err = conn.Write([]byte(other))
				require.NoError(t, err)
			}
			_, err = conn.Write([]byte(tt.send))
			require.NoError(t, err)
			buf := make([]byte, 200)
			n, err := conn.Read(buf)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(buf[:n]), "the first answer, as to others there is none")
		})
	}
}

// systemd starts one anew that has ended with an error, and none that runs without a listener.
func TestRunEndsWhenAListenerFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	broken := &breakingListener{Listener: l, broken: make(chan struct{})}
	ns := nameserver.New(nameserver.Logger(quiet()), nameserver.ListenOn(broken), nameserver.Autoclean(time.Hour))
	ended := make(chan error, 1)
	go func() { ended <- ns.Run(t.Context()) }()
	close(broken.broken)
	require.ErrorContains(t, <-ended, "accept on 127.0.0.1:")
	_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.Error(t, err, "nothing is left of it")
}

// A name server that cannot listen leaves nothing running, and starts when it can.
func TestAStartThatFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "names")) // shared storages have somebody look after their leases
	require.NoError(t, err)
	defer store.Close()
	ns := nameserver.New(nameserver.Logger(quiet()), nameserver.Storage(store), nameserver.Listen("tcp", l.Addr().String()))
	before := goleak.IgnoreCurrent()
	require.Error(t, ns.Run(t.Context()))
	goleak.VerifyNone(t, before)
	require.NoError(t, l.Close())
	require.NoError(t, ns.Start(t.Context()))
	require.NoError(t, ns.Shutdown(t.Context()))
}

// A breakingListener fails for good once broken is closed.
type breakingListener struct {
	net.Listener

	broken chan struct{}
}

func (l *breakingListener) Accept() (net.Conn, error) {
	<-l.broken
	return nil, errors.New("the network is gone")
}
