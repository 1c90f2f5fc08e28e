//go:build integration

package integration

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// askHealth asks a Go server how it is, and has it change meanwhile.
const askHealth = `
import json, sys
dialect, health, svc, serializer = sys.argv[1:]
if dialect == "Pyro4":
    import Pyro4 as api
    api.config.SERIALIZER = serializer
else:
    import Pyro5.api as api
    api.config.SERIALIZER = serializer
seen = {}
with api.Proxy(health) as h, api.Proxy(svc) as s:
    seen["check"] = [h.check(), h.check("svc"), h.check(service="svc")]
    seen["list"] = h.list()
    try:
        h.check("nobody")
    except LookupError as x:
        seen["nobody"] = [type(x).__name__, str(x)]
    changes = h.watch("svc")
    seen["watch"] = [next(changes)]
    s.turn("NOT_SERVING")
    seen["watch"].append(next(changes))
    s.turn("SERVING")
    seen["watch"].append(next(changes))
    s.leave()
    seen["watch"].extend(changes)
print(json.dumps(seen))
`

func TestPythonAsksAGoServerForItsHealth(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				left := make(chan error, 1)
				s := service.New("svc")
				s.Method("turn", func(ctx context.Context, status service.HealthStatus) {
					service.ServerFrom(ctx).Health().Set("svc", status)
				})
				s.Method("leave", func(ctx context.Context) {
					srv := service.ServerFrom(ctx)
					go func() { left <- srv.Shutdown(context.Background()) }() //nolint:contextcheck // it outlives the call
				})
				srv := serve(t, s)
				var seen struct {
					Check, Nobody, Watch []string
					List                 map[string]string
				}
				require.NoError(t, peers.Run(t.Context(), &seen, askHealth,
					d.String(), srv.URI(service.HealthObject).String(), srv.URI("svc").String(), serializer))
				require.Equal(t, []string{"SERVING", "SERVING", "SERVING"}, seen.Check)
				require.Equal(t, map[string]string{"": "SERVING", "svc": "SERVING"}, seen.List)
				require.Equal(t, []string{"LookupError", `there is no service "nobody"`}, seen.Nobody)
				require.Equal(t, []string{"SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"}, seen.Watch,
					"the last one before the server left")
				require.NoError(t, <-left)
			})
		}
	})
}

// A Python instance has no health object and counts as serving; calls go there while a Go instance wants none.
func TestABalancedProxyOfGoAndPythonHeedsHealth(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		srv := serve(t, newService())
		uri, err := pyro.ParseURI(peers.Service(t, d).URIs["svc"])
		require.NoError(t, err)
		names := discovery.Static(
			discovery.Instance(discovery.Entry{Name: "svc", URI: uri}, "python"),
			discovery.Instance(discovery.Entry{Name: "svc", URI: srv.URI("svc")}, "go"),
		)
		p := proxy(t, "PYRONAME:svc", service.Resolver(names), service.Balance(discovery.RoundRobin()), service.HealthCheck())
		calls := func() uint64 {
			before := srv.Stats().Calls
			for range 10 {
				require.NoError(t, service.Do(t.Context(), p, "nothing"))
			}
			return srv.Stats().Calls - before
		}
		require.EqualValues(t, 5, calls())
		srv.Health().Set("svc", service.NotServing)
		require.Eventually(t, func() bool { return calls() == 0 }, soon, tick)
		srv.Health().Set("svc", service.Serving)
		require.Eventually(t, func() bool { return calls() == 5 }, soon, tick)
	})
}
