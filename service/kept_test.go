package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A method may keep its context: the calls that come after it over the same connection do not use its memory.
func TestAMethodMayKeepItsContext(t *testing.T) {
	var kept context.Context
	s := service.New("keeper").
		Method("keep", func(ctx context.Context) { kept = ctx }).
		Method("unseen", func(n int) int { return n }).
		Method("seen", func(_ context.Context, n int) int { return n })
	srv := start(t, s)
	c, err := pyro.Dial(t.Context(), srv.URI("keeper"), pyro.DialConfig{Plain: true}) // others' contexts can be ended at any time
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Call(t.Context(), &transport.Call{Object: "keeper", Method: "keep"})
	require.NoError(t, err)
	for n := range 20 {
		for _, method := range []string{"unseen", "seen"} {
			call := &transport.Call{Object: "keeper", Method: method}
			call.Args.Positional = []any{n}
			reply, err := c.Call(t.Context(), call)
			require.NoError(t, err)
			var got int
			require.NoError(t, reply.Value.Decode(&got))
			require.Equal(t, n, got)
		}
	}
	require.Equal(t, "keep", transport.FromContext(kept).Method)
}
