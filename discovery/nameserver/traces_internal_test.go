package nameserver

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A name server that hangs holds nobody up for long, and not with each name.
func TestWithdrawingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialed := 0
		traces := newTraces(pyro.DialConfig{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialed++
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		at, err := pyro.ParseURI("PYRO:" + ObjectName + "@ns:9090")
		require.NoError(t, err)
		for i := range 100 {
			e := discovery.Entry{Name: fmt.Sprint("n", i), URI: at}
			traces.write(at, e, time.Duration(i%2)*time.Minute) // every other one goes by itself
			traces.leave(e.Name)
		}
		begun := time.Now()
		for range 5 {
			traces.sweep(t.Context(), "")
		}
		require.Equal(t, 1, dialed)
		require.Equal(t, sweepTime, time.Since(begun))
		traces.sweep(t.Context(), at.String())
		time.Sleep(time.Hour)
		traces.sweep(t.Context(), at.String())
		require.Equal(t, 1, dialed, "not there")
		traces.sweep(t.Context(), "")
		require.Equal(t, 2, dialed, "in its time it is asked again")
		require.Len(t, traces.at[at.String()].left, 50)
	})
}
