package service_test

import (
	"context"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// env returns the option of an environment with the variables NAME=VALUE, of Pyro's.
func env(t *testing.T, variables ...string) service.Option {
	t.Helper()
	o, err := service.FromEnv(lookup(variables...))
	require.NoError(t, err)
	return o
}

func lookup(variables ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, strings.TrimPrefix(name, "PYRO_")+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

// startWith runs a server that has just these options.
func startWith(t *testing.T, s *service.Service, opts ...service.ServerOption) *service.Server {
	t.Helper()
	srv := service.NewServer(append([]service.ServerOption{service.Logger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	return srv
}

func TestTheEnvironmentOfAServer(t *testing.T) {
	svc := func() *service.Service {
		s := service.New("o").Method("fail", failPlain)
		return s.Method("items", func() func(func(int) bool) { return func(func(int) bool) {} })
	}
	srv := startWith(t, svc(), env(t, "HOST=127.0.0.1", "NATHOST=nat.example.org", "NATPORT=4242"))
	require.Equal(t, "PYRO:o@nat.example.org:4242", srv.URI("o").String())
	srv = startWith(t, svc(), env(t, "HOST=127.0.0.1", "NATHOST=nat.example.org"), service.Listen("tcp", "127.0.0.1:0"), service.Advertise("code"))
	require.Equal(t, "code", srv.URI("o").Host, "what code says counts more")

	srv = startWith(t, svc(), env(t, "HOST=127.0.0.1", "DETAILED_TRACEBACK=on", "ITER_STREAMING=off", "THREADPOOL_SIZE=1", "SERIALIZERS_ACCEPTED=json,serpent"))
	require.Equal(t, "127.0.0.1", srv.URI("o").Host)
	uri := srv.URI("o").String()
	p := connect(t, uri)
	require.Contains(t, tracebackOf(t, service.Do(t.Context(), p, "fail")), "Extended stacktrace")
	require.ErrorContains(t, service.Do(t.Context(), p, "items"), "not configured to allow streaming")
	require.ErrorContains(t, service.Do(t.Context(), connect(t, uri), "fail"), "increase server threadpool size")
	require.NoError(t, p.Close())
	require.Eventually(t, func() bool { return srv.Stats().Connections == 0 }, 10*time.Second, time.Millisecond)
	require.Error(t, connect(t, uri, service.Serializer("marshal"), service.Dialect(codec.Pyro4)).Ping(t.Context()))

	_, err := os.Stat("testdata/nothing")
	require.Error(t, err)
	broken := service.NewServer(env(t, "SSL=1", "SSL_SERVERCERT=testdata/nothing"))
	require.ErrorContains(t, broken.Start(), "PYRO_SSL: ")
}

func TestTheEnvironmentOfAProxy(t *testing.T) {
	svc := service.New("o").Method("wait", waitOut)
	svc.Method("serializer", func(ctx context.Context) int { return int(transport.FromContext(ctx).Header.Serializer) })
	svc.Method("long", func() string { return strings.Repeat("x", 5000) })
	uri := start(t, svc).URI("o").String()

	require.ErrorIs(t, service.Do(t.Context(), connect(t, uri, env(t, "COMMTIMEOUT=0.05")), "wait"), transport.ErrTimeout)
	got, err := service.Call[int](t.Context(), connect(t, uri, env(t, "SERIALIZER=json")), "serializer")
	require.NoError(t, err)
	require.Equal(t, int(codec.ID("json", codec.Pyro5)), got)
	got, err = service.Call[int](t.Context(), connect(t, uri, env(t, "SERIALIZER=json"), service.Serializer("serpent")), "serializer")
	require.NoError(t, err)
	require.Equal(t, int(codec.ID("serpent", codec.Pyro5)), got, "what code says counts more")
	require.Error(t, service.Do(t.Context(), connect(t, uri, env(t, "MAX_MESSAGE_SIZE=2000")), "long"))
	require.NoError(t, service.Do(t.Context(), connect(t, uri, env(t, "MAX_MESSAGE_SIZE=0")), "long"))

	var e *transport.Error
	require.ErrorAs(t, service.Do(t.Context(), connect(t, uri, env(t, "METADATA=no")), "missing"), &e)
	require.True(t, e.Remote, "asked of the server")
	require.ErrorContains(t, service.Do(t.Context(), connect(t, "PYRONAME:x", env(t, "NS_HOST=127.0.0.1", "NS_PORT=1")), "m"), "127.0.0.1:1")
	require.ErrorContains(t, service.Do(t.Context(), connect(t, "PYRONAME:x", env(t, "NS_HOST=./u:/nothing/there")), "m"), "/nothing/there")
}

func TestAnEnvironmentThatMakesNoSense(t *testing.T) {
	for _, variable := range []string{
		"COMPRESSION=maybe", "COMMTIMEOUT=-1", "COMMTIMEOUT=soon", "MAX_MESSAGE_SIZE=-1", "PREFER_IP_VERSION=5", "NS_PORT=0",
		"NS_PORT=70000", "NATPORT=1", "THREADPOOL_SIZE=0", "MAX_RETRIES=-1", "SERIALIZER=yaml", "SERIALIZERS_ACCEPTED=json,yaml",
		"PICKLE_PROTOCOL_VERSION=6", "NS_LOOKUP_DELAY=-1", "ITER_STREAM_LIFETIME=-1", "SOCK_NODELAY=perhaps",
	} {
		_, err := service.FromEnv(lookup(variable))
		require.ErrorContains(t, err, "PYRO_"+variable+": ", variable)
	}
	for _, variable := range []string{
		"SERVERTYPE=multiplex", "POLLTIMEOUT=1", "UNKNOWN=x", "NS_PORT=1", "PICKLE_PROTOCOL_VERSION=-1", "PICKLE_PROTOCOL_VERSION=0",
		"ITER_STREAM_LINGER=-1", "NS_BCPORT=9091", "BROADCAST_ADDRS=<broadcast>, 0.0.0.0", "NATPORT=0", "LOGLEVEL=DEBUG",
	} {
		o := env(t, variable)
		_, err := service.Connect("PYRO:o@localhost:1", o)
		require.NoError(t, err, variable)
		startWith(t, service.New("o"), o)
	}
}

// Every item stands in the manual, and nothing else does.
func TestEveryItemIsInTheManual(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (\\w+) \\|.*$").FindAllStringSubmatch(string(page), -1) {
		require.NotContains(t, rows, m[1], "twice")
		rows[m[1]] = m[2]
	}
	for _, item := range pyroenv.Items {
		require.Equal(t, item.Kind.String(), rows[item.Name], item.Name)
	}
	require.Len(t, rows, len(pyroenv.Items))
}
