//go:build integration

package integration

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A Python server that sleeps for a minute in a call which was given up answers the next one at once, on another
// connection.
func TestReconnectAfterTimeoutDoesNotWaitForPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.ReconnectAfterTimeout())
		require.ErrorIs(t, service.Do(ctx, p, "sleep", 60, service.Timeout(50*time.Millisecond)), transport.ErrTimeout)
		got, err := service.Call[string](ctx, p, "echo", "hello")
		require.NoError(t, err)
		require.Equal(t, "hello", got)
	})
}
