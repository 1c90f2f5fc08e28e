package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
)

// startOneways serves fn as a one-way method, and returns a proxy for it.
func startOneways(t *testing.T, fn any) (*service.Server, *service.Proxy) {
	t.Helper()
	srv := service.NewServer()
	require.NoError(t, srv.Add(service.New("o").Method("note", fn, service.Oneway())))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	p, err := service.Connect(srv.URI("o").String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return srv, p
}

func TestOnewayCallsAreSentBeforeAProxyCloses(t *testing.T) {
	const n = 5000
	var noted atomic.Int64
	_, p := startOneways(t, func(int) { noted.Add(1) })
	for i := range n {
		require.NoError(t, service.Do(t.Context(), p, "note", i))
	}
	require.NoError(t, p.Close())
	require.Eventually(t, func() bool { return noted.Load() == n }, 30*time.Second, time.Millisecond)
}

func TestOnewayCallsDoNotWaitForEachOther(t *testing.T) {
	const n = 200
	gate := make(chan struct{})
	var waiting, done atomic.Int64
	_, p := startOneways(t, func(last bool) {
		if last {
			close(gate)
			return
		}
		waiting.Add(1)
		<-gate
		done.Add(1)
	})
	for range n {
		require.NoError(t, service.Do(t.Context(), p, "note", false))
	}
	require.Eventually(t, func() bool { return waiting.Load() == n }, 30*time.Second, time.Millisecond)
	require.NoError(t, service.Do(t.Context(), p, "note", true))
	require.Eventually(t, func() bool { return done.Load() == n }, 30*time.Second, time.Millisecond)
}

// Goroutines that carried one-way calls out are used again, also after many have been idle at a time.
func TestOnewayCallsComeInWaves(t *testing.T) {
	const n = 100
	var noted atomic.Int64
	_, p := startOneways(t, func() {
		time.Sleep(time.Millisecond)
		noted.Add(1)
	})
	for wave := range int64(5) {
		for range n {
			require.NoError(t, service.Do(t.Context(), p, "note"))
		}
		require.Eventually(t, func() bool { return noted.Load() == n*(wave+1) }, 30*time.Second, time.Millisecond)
	}
}

func TestShutdownWaitsForOnewayCalls(t *testing.T) {
	const n = 50
	var begun, noted atomic.Int64
	srv, p := startOneways(t, func() {
		begun.Add(1)
		time.Sleep(20 * time.Millisecond)
		noted.Add(1)
	})
	for range n {
		require.NoError(t, service.Do(t.Context(), p, "note"))
	}
	require.Eventually(t, func() bool { return begun.Load() > 0 }, 30*time.Second, time.Millisecond)
	require.NoError(t, p.Ping(t.Context())) // all have arrived
	require.NoError(t, srv.Shutdown(t.Context()))
	require.EqualValues(t, n, noted.Load())
}
