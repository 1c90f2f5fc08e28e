//go:build integration

package integration

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
)

// A tally counts its calls.
type tally struct{ count int }

func (c *tally) Increment() int {
	c.count++
	return c.count
}

// counterShop hands one counter out wherever a value can stand.
func counterShop(c *tally, s *service.Service) *service.Service {
	return service.New("shop").
		Method("counter", func() *tally { return c }).
		Method("service", func() *service.Service { return s }).
		Method("list", func() []any { return []any{1, c} }).
		Method("dict", func() map[string]any { return map[string]any{"it": []*tally{c}} }).
		Method("stream", func() iter.Seq[*tally] { return func(yield func(*tally) bool) { yield(c) } }).
		Property("current", func() *tally { return c }, nil)
}

// An object that a Go server answers for arrives in Python as a proxy with all that is known of it.
func TestServedObjectsArriveInPython(t *testing.T) {
	c := &tally{}
	s := service.Of(c)
	srv := serveOn(t, []*service.Service{counterShop(c, s), s},
		service.Listen("tcp", "127.0.0.1:0"), service.Serializers(serializersOf(peers.Pyro4)...))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		client, python := peers.NewClient(t, d), peers.Service(t, d)
		client.Connect("python", python.URIs["svc"])
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) {
				connect(t, client, peers.Request{Proxy: "shop", URI: srv.URI("shop").String(), Serializer: serializer})
				c.count = 0
				saved := func(method string) {
					t.Helper()
					a := client.Do(peers.Request{Op: "call", Proxy: "shop", Method: method, Save: "saved"})
					require.True(t, a.OK, "%+v", a.Error)
				}
				// evaluates an expression about what was saved, in the client
				look := func(expression string) string {
					t.Helper()
					return repr(t, client.Call("python", "value", "(repr("+expression+"),)"))
				}
				for _, method := range []string{"counter", "service"} {
					saved(method)
					require.Equal(t, "['increment']", look("sorted(proxies['saved']._pyroMethods)"), "before it connects")
					require.Equal(t, "'"+srv.URI("tally").String()+"'", look("str(proxies['saved']._pyroUri)"))
					require.Equal(t, "('hello', None)", look("(proxies['saved']._pyroHandshake, proxies['saved']._pyroSerializer)"))
				}
				require.Equal(t, "1", repr(t, client.Call("saved", "increment", "()")))
				saved("list")
				require.Equal(t, "2", look("proxies['saved'][1].increment()"))
				saved("dict")
				require.Equal(t, "3", look("proxies['saved']['it'][0].increment()"))
				items := client.Do(peers.Request{Op: "iterate", Proxy: "shop", Method: "stream"})
				require.Nil(t, items.Failure, "%+v", items.Failure)
				require.Equal(t, d.String()+map[peers.Dialect]string{peers.Pyro4: ".core.Proxy", peers.Pyro5: ".client.Proxy"}[d], items.Items[0].Type)
				if serializer != "marshal" { // with which Python's clients have no attributes
					current := client.Do(peers.Request{Op: "get", Proxy: "shop", Attr: "current"})
					require.Contains(t, current.Type, "Proxy")
				}
			})
		}
	})
}

// A Go object is called back by Python: the client's own server answers for it.
func TestPythonCallsBackGoObjects(t *testing.T) {
	c := &tally{}
	s := service.Of(c)
	serve(t, s)
	eachProxySerializer(t, func(t *testing.T, d peers.Dialect, python *peers.Process, serializer string) {
		c.count = 0
		p := proxy(t, python.URIs["svc"], service.Dialect(wire(d)), service.Serializer(serializer))
		for i, argument := range []any{c, s} {
			n, err := service.Call[int](t.Context(), p, "call_back", argument, "increment")
			require.NoError(t, err)
			require.Equal(t, i+1, n)
		}
		size, err := service.Call[string](t.Context(), p, "kind", []any{map[string]any{"it": c}})
		require.NoError(t, err)
		require.Equal(t, "list", size)
	})
}
