package nameserver_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a name server and returns where it is, as HOST:PORT.
func start(t *testing.T) string {
	t.Helper()
	ns := nsservice.New()
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	})
	uri := srv.URI(nameserver.ObjectName)
	require.NoError(t, ns.RegisterSelf(uri))
	return uri.Location()
}

// nobody returns a location where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func client(t *testing.T, location string, cfg pyro.DialConfig) *nameserver.Client {
	t.Helper()
	c, err := nameserver.Locate(t.Context(), cfg, location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func uri(t *testing.T, s string) pyro.URI {
	t.Helper()
	u, err := pyro.ParseURI(s)
	require.NoError(t, err)
	return u
}

func TestTheLifeOfAnEntry(t *testing.T) {
	for _, cfg := range []pyro.DialConfig{
		{}, {Dialect: codec.Pyro4}, {Dialect: codec.Pyro5}, {Serializer: "json"}, {Serializer: "marshal", Dialect: codec.Pyro4},
	} {
		t.Run(fmt.Sprintf("%s %s", cfg.Dialect, cfg.Serializer), func(t *testing.T) {
			ctx := t.Context()
			c := client(t, start(t), cfg)
			first, second := uri(t, "PYRO:o@h:1"), uri(t, "PYRO:o@./u:/tmp/s")
			require.NoError(t, c.Register(ctx, "app.one", first, false, "blue", "red"))
			require.NoError(t, c.Register(ctx, "app.two", second, true))
			require.ErrorIs(t, c.Register(ctx, "app.two", first, true), transport.ErrAlreadyExists)

			n, err := c.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, 3, n)
			e, err := c.Lookup(ctx, "app.one")
			require.NoError(t, err)
			require.Equal(t, discovery.Entry{Name: "app.one", URI: first, Metadata: []string{"blue", "red"}}, e)
			e, err = c.Resolve(ctx, "app.two")
			require.NoError(t, err)
			require.Equal(t, second, e.URI)
			require.Empty(t, e.Metadata)

			require.NoError(t, c.SetMetadata(ctx, "app.two", "green"))
			entries, err := c.List(ctx, nameserver.Filter{Prefix: "app."})
			require.NoError(t, err)
			require.Equal(t, []discovery.Entry{
				{Name: "app.one", URI: first, Metadata: []string{"blue", "red"}},
				{Name: "app.two", URI: second, Metadata: []string{"green"}},
			}, entries)
			require.NoError(t, c.SetMetadata(ctx, "app.two"))
			entries, err = c.List(ctx, nameserver.Filter{Regex: ".*two$"})
			require.NoError(t, err)
			require.Equal(t, []discovery.Entry{{Name: "app.two", URI: second}}, entries)

			removed, err := c.Remove(ctx, "app.two")
			require.NoError(t, err)
			require.True(t, removed)
			removed, err = c.Remove(ctx, "app.two")
			require.NoError(t, err)
			require.False(t, removed)
			n, err = c.RemoveMatching(ctx, nameserver.Filter{Regex: ".*"})
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}

func TestErrorsOfTheClient(t *testing.T) {
	ctx := t.Context()
	c := client(t, start(t), pyro.DialConfig{})
	_, err := c.Lookup(ctx, "x")
	require.ErrorIs(t, err, transport.ErrNotFound)
	require.ErrorIs(t, c.SetMetadata(ctx, "x", "a"), transport.ErrNotFound)
	_, err = c.RemoveMatching(ctx, nameserver.Filter{})
	require.ErrorIs(t, err, transport.ErrInvalidArgument, "nothing must not mean everything")
	_, err = c.List(ctx, nameserver.Filter{Regex: "("})
	require.ErrorContains(t, err, "invalid regex")
	_, err = c.List(ctx, nameserver.Filter{Prefix: "a", Regex: "b"})
	require.ErrorContains(t, err, "you can only filter on one thing at a time")
}

func TestLocations(t *testing.T) {
	tests := map[string]string{
		"host":            "PYRO:Pyro.NameServer@host:9090",
		"host:7":          "PYRO:Pyro.NameServer@host:7",
		"::1":             "PYRO:Pyro.NameServer@[::1]:9090",
		"[::1]":           "PYRO:Pyro.NameServer@[::1]:9090",
		"[::1]:7":         "PYRO:Pyro.NameServer@[::1]:7",
		"./u:/tmp/socket": "PYRO:Pyro.NameServer@./u:/tmp/socket",

		"PYRO:Pyro.NameServer@[::1]:7": "PYRO:Pyro.NameServer@[::1]:7",
	}
	for in, want := range tests {
		u, err := nameserver.ParseLocation(in)
		require.NoError(t, err)
		require.Equal(t, want, u.String())
	}
	for _, in := range []string{"", "host:x", "[host]", "host:65536", "/tmp/s", "http://host:7", "PYRO:other@host:7", ":7"} {
		_, err := nameserver.ParseLocation(in)
		require.ErrorIs(t, err, pyro.ErrURI, in)
	}
}

func TestTheDefaultLocation(t *testing.T) {
	tests := []struct{ host, port, want string }{
		{"", "", "localhost:9090"},
		{"ns.example", "", "ns.example:9090"},
		{"", "7", "localhost:7"},
		{"::1", "7", "[::1]:7"},
		{"[::1]", "7", "[::1]:7"},
		{"./u:/tmp/s", "7", "./u:/tmp/s"},
	}
	for _, tt := range tests {
		t.Setenv("PYRO_NS_HOST", tt.host)
		t.Setenv("PYRO_NS_PORT", tt.port)
		require.Equal(t, tt.want, nameserver.DefaultLocation())
	}
}

func TestARegistrarKeepsWhatIsNotItsOwn(t *testing.T) {
	ctx := t.Context()
	location := start(t)
	c := client(t, location, pyro.DialConfig{})
	r := nameserver.Registrar(pyro.DialConfig{}, location)
	mine := discovery.Entry{Name: "app", URI: uri(t, "PYRO:o@h:1"), Metadata: []string{"a"}}
	for range 2 { // harmless when repeated
		require.NoError(t, r.Register(ctx, mine))
	}
	e, err := c.Lookup(ctx, "app")
	require.NoError(t, err)
	require.Equal(t, mine, e)

	mine.Metadata = []string{"b", "a", "b"}
	require.NoError(t, r.Register(ctx, mine), "other tags are news, too")
	e, err = c.Lookup(ctx, "app")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, e.Metadata)

	require.NoError(t, c.Register(ctx, "app", uri(t, "PYRO:o@other:2"), false))
	require.NoError(t, r.Unregister(ctx, mine))
	e, err = c.Lookup(ctx, "app")
	require.NoError(t, err, "another program has the name by now")
	require.Equal(t, "PYRO:o@other:2", e.URI.String())

	require.NoError(t, r.Register(ctx, mine), "it replaces an entry of the same name")
	require.NoError(t, r.Unregister(ctx, mine))
	require.NoError(t, r.Unregister(ctx, mine), "an unknown name is no error")
	_, err = c.Lookup(ctx, "app")
	require.ErrorIs(t, err, transport.ErrNotFound)

	gone := nameserver.Registrar(pyro.DialConfig{}, nobody(t))
	require.ErrorIs(t, gone.Register(ctx, mine), transport.ErrUnavailable)
	require.ErrorIs(t, gone.Unregister(ctx, mine), transport.ErrUnavailable)
}

func TestCompleteAsksTheNameServer(t *testing.T) {
	c := client(t, start(t), pyro.DialConfig{})
	require.NoError(t, c.Register(t.Context(), "app.a", uri(t, "PYRO:o@h:1"), false))
	offered, whole, err := c.Complete(t.Context(), "app")
	require.NoError(t, err)
	require.True(t, whole)
	require.Equal(t, []string{"app.a"}, offered)
	c = client(t, python(t, false, nil), pyro.DialConfig{})
	_, _, err = c.Complete(t.Context(), "app")
	require.ErrorIs(t, err, transport.ErrUnimplemented)
}

func TestAProxyResolvesItsNameAnewWhenItsTargetMoves(t *testing.T) {
	location := start(t)
	serve := func(answer string) *service.Server {
		srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
		require.NoError(t, srv.Add(service.New("app").Method("who", func() string { return answer })))
		require.NoError(t, srv.Start())
		return srv
	}
	c := client(t, location, pyro.DialConfig{})
	first := serve("first")
	require.NoError(t, c.Register(t.Context(), "app", first.URI("app"), false))
	p, err := service.Connect("PYRONAME:app@" + location)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	who, err := service.Call[string](t.Context(), p, "who")
	require.NoError(t, err)
	require.Equal(t, "first", who)

	second := serve("second")
	defer func() { require.NoError(t, second.Shutdown(context.WithoutCancel(t.Context()))) }()
	require.NoError(t, c.Register(t.Context(), "app", second.URI("app"), false))
	require.NoError(t, first.Shutdown(t.Context()))
	require.Eventually(t, func() bool { // the end of the old connection may be noticed one call late
		who, err = service.Call[string](t.Context(), p, "who")
		return err == nil && who == "second"
	}, 20*time.Second, time.Millisecond)

	_, err = c.Remove(t.Context(), "app")
	require.NoError(t, err)
	lost, err := service.Connect("PYRONAME:app@" + location)
	require.NoError(t, err)
	defer func() { require.NoError(t, lost.Close()) }()
	err = service.Do(t.Context(), lost, "who")
	require.ErrorIs(t, err, transport.ErrNotFound)
	require.True(t, transport.AsError(err).NotSent)
}
