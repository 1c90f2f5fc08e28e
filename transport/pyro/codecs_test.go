package pyro_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// What a daemon of either dialect accepts unless it is told otherwise, and what is only there.
func TestWhichSerializersAreAccepted(t *testing.T) {
	address := startServing(t, service.New("svc").Method("echo", func(v any) any { return v }))
	only := startServing(t, service.New("svc").Method("echo", func(v any) any { return v }), service.Serializers("json", "pickle"))
	tests := []struct {
		dialect        codec.Dialect
		serializer     string
		accepted, only bool
	}{
		{codec.Pyro4, "serpent", true, false},
		{codec.Pyro4, "json", true, true},
		{codec.Pyro4, "marshal", true, false},
		{codec.Pyro4, "msgpack", false, false},
		{codec.Pyro4, "pickle", false, true},
		{codec.Pyro4, "cloudpickle", false, false},
		{codec.Pyro4, "dill", false, false},
		{codec.Pyro5, "serpent", true, false},
		{codec.Pyro5, "json", true, true},
		{codec.Pyro5, "marshal", true, false},
		{codec.Pyro5, "msgpack", true, false},
		{codec.Pyro5, "pickle", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.dialect.String()+"/"+tt.serializer, func(t *testing.T) {
			for address, accepted := range map[string]bool{address: tt.accepted, only: tt.only} {
				p := proxyFor(t, "PYRO:svc@"+address, service.Dialect(tt.dialect), service.Serializer(tt.serializer))
				got, err := service.Call[[]int](t.Context(), p, "echo", []int{1, 2})
				if !accepted {
					require.Error(t, err)
					require.True(t, transport.AsError(err).NotSent)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, []int{1, 2}, got)
			}
		})
	}
	_, err := service.Connect("PYRO:o@h:1", service.Serializer("yaml"))
	require.ErrorContains(t, err, "unknown serializer")
	require.ErrorContains(t, service.NewServer(service.Serializers("yaml")).Start(), "unknown serializer")
}

// A serializer that one dialect alone has fixes the dialect.
func TestPicklesMeanPyro4(t *testing.T) {
	address := startServing(t, service.New("svc").Method("one", func() int { return 1 }), service.Serializers(pyro.Pickle))
	p := proxyFor(t, "PYRO:svc@"+address, service.Serializer(pyro.Pickle))
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, codec.Pyro4, info.Peer.Dialect)
}

// A tap is a connection that remembers what went through it.
type tap struct {
	net.Conn

	mu              sync.Mutex // guards what follows
	sent, delivered bytes.Buffer
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delivered.Write(b[:n])
	return n, err
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.sent.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// versions returns the versions of the pickles in messages.
func versions(t *testing.T, messages *bytes.Buffer) []byte {
	t.Helper()
	var all []byte
	for messages.Len() > 0 {
		f, err := vectortest.ReadFrame(messages)
		require.NoError(t, err)
		payload := inflated(t, f)
		require.Equal(t, byte(0x80), payload[0], "PROTO")
		all = append(all, payload[1])
	}
	return all
}

func TestPicklesAreNoNewerThanTheirReader(t *testing.T) {
	svc := func() *service.Service {
		return service.New("svc").
			Method("echo", func(v any) any { return v }).
			Method("fail", func() error { return transport.NewError("ValueError", "no") }).
			Method("blob", func(b *service.SerializedBlob) any { return b.Info() })
	}
	tests := []struct {
		name           string
		client, server int // 0: the default
		compress       bool
		sends, answers byte
	}{
		{name: "defaults", sends: 4, answers: 4},
		{name: "an old client", client: 2, sends: 2, answers: 2},
		{name: "an old client that compresses", client: 2, compress: true, sends: 2, answers: 2},
		{name: "a client that is less old", client: 3, server: 5, sends: 3, answers: 3},
		{name: "a new client", client: 5, sends: 5, answers: 4},
		{name: "both new", client: 5, server: 5, sends: 5, answers: 5},
		{name: "an old server", client: 5, server: 2, sends: 5, answers: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			serverOpts := []service.ServerOption{service.Serializers("pickle")}
			if tt.server != 0 {
				serverOpts = append(serverOpts, service.PickleProtocol(tt.server))
			}
			address := startServing(t, svc(), serverOpts...)
			var conn *tap
			opts := []service.ProxyOption{service.Serializer("pickle"), service.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
				nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
				conn = &tap{Conn: nc}
				return conn, err
			})}
			if tt.client != 0 {
				opts = append(opts, service.PickleProtocol(tt.client))
			}
			if tt.compress {
				opts = append(opts, service.Compression())
			}
			p := proxyFor(t, "PYRO:svc@"+address, opts...)
			text := string(bytes.Repeat([]byte("long enough to be compressed "), 20))
			got, err := service.Call[string](t.Context(), p, "echo", text)
			require.NoError(t, err)
			require.Equal(t, text, got)
			require.ErrorContains(t, service.Do(t.Context(), p, "fail"), "ValueError: no")
			require.NoError(t, service.Do(t.Context(), p, "blob", service.NewSerializedBlob("i", text)))
			require.NoError(t, p.Close())
			require.Equal(t, bytes.Repeat([]byte{tt.sends}, 4), versions(t, &conn.sent), "CONNECT and three calls")
			require.Equal(t, bytes.Repeat([]byte{tt.answers}, 4), versions(t, &conn.delivered))
		})
	}
	_, err := service.Connect("PYRO:o@h:1", service.PickleProtocol(6))
	require.ErrorContains(t, err, "must be between 2 and 5")
	require.Error(t, service.NewServer(service.PickleProtocol(1)).Start())
}

// What would run in the Python that reads it is written only where that was asked for.
func TestCallsInPickles(t *testing.T) {
	evil := codec.Object{Class: "os.system", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{"true"}}}
	for _, opts := range [][]service.ServerOption{nil, {service.PickleCalls()}} {
		svc := service.New("svc").Method("evil", func() any { return evil })
		address := startServing(t, svc, append(opts, service.Serializers("pickle"))...)
		p := proxyFor(t, "PYRO:svc@"+address, service.Serializer("pickle"))
		got, err := service.Call[any](t.Context(), p, "evil")
		if opts == nil {
			require.ErrorContains(t, err, "TypeError", "the result cannot be sent")
			continue
		}
		require.NoError(t, err)
		o, ok := got.(codec.Object)
		require.True(t, ok, "it is data: %T", got)
		require.Equal(t, "os.system", o.Class)
		_, err = service.Call[any](t.Context(), p, "evil", got)
		require.True(t, transport.AsError(err).NotSent, "what came from there is not sent back: %v", err)
	}
}

// With Lenient msgpack has dicts with any key.
func TestLenientMsgpack(t *testing.T) {
	svc := service.New("svc").Method("echo", func(v any) any { return v })
	dict := codec.NewDict(1, "one", "two", 2)
	for _, lenient := range []bool{false, true} {
		serverOpts := []service.ServerOption{service.Serializers("msgpack")}
		opts := []service.ProxyOption{service.Serializer("msgpack")}
		if lenient {
			serverOpts, opts = append(serverOpts, service.Lenient()), append(opts, service.Lenient())
		}
		p := proxyFor(t, "PYRO:svc@"+startServing(t, svc, serverOpts...), opts...)
		got, err := service.Call[*codec.Dict](t.Context(), p, "echo", dict)
		if !lenient {
			require.True(t, transport.AsError(err).NotSent, "%v", err)
			continue
		}
		require.NoError(t, err)
		one, ok := got.Get(1)
		require.True(t, ok)
		require.Equal(t, "one", one)
	}
}

// A refusal is understood in whatever serializer it comes.
func TestRefusalsInEverySerializer(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		for id, k := range codecs[dialect] {
			t.Run(dialect+"/"+k.Name(), func(t *testing.T) {
				reason, err := k.Append(nil, "not today", nil)
				require.NoError(t, err)
				s := newScript(vectortest.Build(dialect, vectortest.ConnectFail, 0, 0, id, string(reason)))
				p := proxyFor(t, startPeer(t, s.serve).uri("svc"), service.Dialect(dialectOf[dialect]))
				_, err = p.Info(t.Context())
				require.ErrorIs(t, err, transport.ErrUnauthenticated)
				require.ErrorContains(t, err, "not today")
			})
		}
	}
}
