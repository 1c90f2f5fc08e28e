package pyro_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// After a call that came after a pause another goroutine waits for the next one, because its stack is small; where calls
// follow each other it is the same.
func TestAConnectionRestsInAFreshGoroutine(t *testing.T) {
	h := answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		stack := make([]byte, 64)
		name, _, _ := bytes.Cut(stack[:runtime.Stack(stack, false)], []byte(" ["))
		return &transport.Reply{Value: codec.ValueOf(string(name))}, nil
	})
	for name, plain := range map[string]bool{"pyrokit": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serveInMemory(t, h, pyro.ServerConfig{Plain: plain})
				c := m.dial(nil)
				call := func(pause time.Duration) (goroutine any) {
					time.Sleep(pause)
					r, err := invoke(t.Context(), c, "m")
					require.NoError(t, err)
					defer r.Release()
					goroutine, err = r.Value.Any()
					require.NoError(t, err)
					return goroutine
				}
				first, second := call(0), call(10*time.Millisecond)
				require.NotEqual(t, first, second)
				for range 5 {
					require.Equal(t, second, call(10*time.Millisecond))
				}
				require.Equal(t, second, call(2*time.Second), "it has waited")
				third := call(10 * time.Millisecond)
				require.NotEqual(t, second, third)
				require.Equal(t, third, call(10*time.Millisecond))
				m.end(c)
			})
		})
	}
}
