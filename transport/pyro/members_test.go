package pyro_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A client refuses what the metadata of its object does not have. That says nothing of the daemon, which is called over the same
// connection.
func TestWhatAClientRefusesByItself(t *testing.T) {
	tests := []struct {
		name, object, method string
		refused              bool
	}{
		{"a member", "o", "m", false},
		{"none", "o", "missing", true},
		{"of the daemon", pyro.DaemonObject, "ping", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := ""
			h := answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
				asked = call.Object + "." + call.Method
				return &transport.Reply{}, nil
			})
			m := serveInMemory(t, h, pyro.ServerConfig{})
			c := pyro.NewClient(func(context.Context) (pyro.URI, error) {
				return pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}, nil
			}, pyro.DialConfig{Dialect: codec.Pyro5, Dial: m.l.DialContext}, false)
			_, err := c.Call(t.Context(), &transport.Call{Object: tt.object, Method: tt.method})
			require.NoError(t, c.Close())
			require.NoError(t, m.Shutdown(t.Context()))
			if tt.refused {
				require.ErrorContains(t, err, "has no exposed attribute or method 'missing'")
				require.Empty(t, asked)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.object+"."+tt.method, asked)
		})
	}
}
