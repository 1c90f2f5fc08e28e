package service_test

import (
	"context"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// Thousands of connections may be idle: none of them keeps what its last call was made with.
func TestIdleConnectionsKeepNothingOfACall(t *testing.T) {
	calls := make(chan weak.Pointer[transport.CallInfo], 1)
	s := service.New("test.kept").Method("call", func(ctx context.Context) { calls <- weak.Make(transport.FromContext(ctx)) })
	srv := start(t, s)
	p := connect(t, srv.URI("test.kept").String())
	require.NoError(t, service.Do(t.Context(), p, "call"))
	call := <-calls
	require.Eventually(t, func() bool {
		runtime.GC()
		return call.Value() == nil
	}, 5*time.Second, 10*time.Millisecond)
}
