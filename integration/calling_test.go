//go:build integration

package integration

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestACallsOwnSerializerInPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"])
		for _, name := range append([]string{""}, both...) {
			got, err := service.Call[struct {
				Serializer int `pyro:"serializer_id"`
			}](t.Context(), p, "context", service.WithSerializer(name))
			require.NoError(t, err)
			want := name
			if want == "" {
				want = "serpent"
			}
			require.Equal(t, int(codec.ID(want, wire(d))), got.Serializer)
			var e *transport.Error
			require.ErrorAs(t, service.Do(t.Context(), p, "fail", "value", "x", service.WithSerializer(name)), &e)
			require.Equal(t, "builtins.ValueError", e.Class)
			var items []int
			for v, err := range service.Stream[int](t.Context(), p, "stream", 3, service.WithSerializer(name)) {
				require.NoError(t, err)
				items = append(items, v)
			}
			require.Equal(t, []int{0, 1, 2}, items, name)
		}
	})
}

func TestAnnotationsOfPythonsReplies(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d, "--annotate").URIs["svc"], service.Annotate(func() transport.Annotations {
			return transport.Annotations{{Key: "PROX", Value: []byte("go")}}
		}))
		var got transport.Annotations
		require.NoError(t, service.Do(t.Context(), p, "annotated", service.ResponseAnnotations(&got)))
		method, _ := got.Get("RESP")
		daemon, _ := got.Get("DMON")
		require.Equal(t, "from the method", string(method))
		require.Equal(t, "from the daemon", string(daemon))
		got = nil
		require.Error(t, service.Do(t.Context(), p, "fail", "value", "x", service.ResponseAnnotations(&got)))
		daemon, _ = got.Get("DMON")
		require.Equal(t, "from the daemon", string(daemon), "of an exception, too")
		seen, err := service.Call[map[string]any](t.Context(), p, "context")
		require.NoError(t, err)
		require.Subset(t, seen["annotations"], map[string]any{"PROX": "676f"})
	})
}

// A PYROMETA uri finds what Python's name servers know by its tags, and Bind keeps a proxy there.
func TestNamesAndTagsOfEveryNameServer(t *testing.T) {
	srv := serve(t, newService())
	eachNameServer(t, func(t *testing.T, location string) {
		ns, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
		require.NoError(t, err)
		defer ns.Close()
		require.NoError(t, ns.Register(t.Context(), "tagged", srv.URI("svc"), false, "red", "blue"))
		for _, uri := range []string{"PYROMETA:red@", "PYROMETA:blue,red@", "PYRONAME:tagged@"} {
			p := proxy(t, uri+location)
			require.NoError(t, service.Do(t.Context(), p, "nothing"))
			require.NoError(t, p.Bind(t.Context()))
			require.Equal(t, srv.URI("svc"), p.URI())
			require.NoError(t, p.Release())
			require.NoError(t, service.Do(t.Context(), p, "nothing"))
		}
		err = service.Do(t.Context(), proxy(t, "PYROMETA:red,green@"+location), "nothing")
		require.ErrorIs(t, err, transport.ErrNotFound)
		require.ErrorContains(t, err, "no registrations available with desired metadata properties")
	})
}

// A Python server that comes back at its address finds its Go proxies again, which wait for it.
func TestAProxySurvivesTheRestartOfAPythonServer(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		first := peers.Service(t, d)
		uri := first.URIs["svc"]
		p := proxy(t, uri, service.ConnectAttempts(1000), service.MaxRetries(1))
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		first.Stop()
		hasty := proxy(t, uri)
		require.ErrorIs(t, service.Do(t.Context(), hasty, "nothing"), transport.ErrUnavailable)
		waiting := service.Go[string](t.Context(), p, "echo", "back")
		u, err := pyro.ParseURI(uri)
		require.NoError(t, err)
		_, address := u.Address()
		at, err := url.Parse("tcp://" + address)
		require.NoError(t, err)
		second := peers.Service(t, d, "--port", at.Port())
		require.Equal(t, uri, second.URIs["svc"])
		got, err := waiting.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, "back", got)
		require.NoError(t, hasty.Reconnect(t.Context()))
		require.NoError(t, service.Do(t.Context(), hasty, "nothing"))
	})
}

// Python keeps an iterator for a while after its connection has ended (ITER_STREAM_LINGER), and so a Go proxy
// goes on with it over the next one.
func TestAnIteratorOfPythonGoesOnAfterAReconnect(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		var got []int
		for v, err := range service.Stream[int](t.Context(), p, "stream", 6) {
			require.NoError(t, err)
			got = append(got, v)
			if v%2 == 0 {
				require.NoError(t, p.Release())
			}
		}
		require.Equal(t, []int{0, 1, 2, 3, 4, 5}, got)
	})
}
