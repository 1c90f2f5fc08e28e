package main

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// The network has timers of its own for a context's deadline, which may end before the context does.
func TestWireTellsThatTimeIsOverFromThatNobodyListens(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	u, err := pyro.ParseURI("PYRO:o@nowhere:1")
	require.NoError(t, err)
	for _, tt := range []struct{ err, want error }{
		{context.DeadlineExceeded, transport.ErrTimeout},
		{syscall.ECONNREFUSED, transport.ErrUnavailable},
	} {
		dial := func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: tt.err}
		}
		require.ErrorIs(t, listens(ctx, u, pyro.DialConfig{Dial: dial}), tt.want)
	}
}
