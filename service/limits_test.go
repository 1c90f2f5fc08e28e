package service_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/internal/vectortest"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

func TestARunningServerTakesOtherLimits(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	srv := service.NewServer(service.MaxCalls(1), quiet)
	require.NoError(t, srv.Add(service.New("o").
		Method("echo", func(s string) string { return s }).
		Method("wait", func() { entered <- struct{}{}; <-release })))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	connect := func() *service.Proxy {
		p, err := service.Connect(srv.URI("o").String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = p.Close() })
		require.NoError(t, p.Ping(t.Context()))
		return p
	}
	before := connect()
	defer close(release)
	waiting := service.Go[any](t.Context(), before, "wait")
	<-entered
	_, err := service.Call[string](t.Context(), before, "echo", "x")
	require.ErrorContains(t, err, "option MaxCalls, 1")

	require.NoError(t, srv.SetLimits(&configv1.Limits{MaxCalls: 2, MaxMessageSize: 1000}))
	large := strings.Repeat("x", 2000)
	s, err := service.Call[string](t.Context(), before, "echo", large)
	require.NoError(t, err, "max_calls counts at once, and the connection is older than the limit of its messages")
	require.Equal(t, large, s)
	_, err = service.Call[string](t.Context(), connect(), "echo", large)
	require.ErrorIs(t, err, transport.ErrUnavailable)

	require.ErrorContains(t, srv.SetLimits(&configv1.Limits{MaxDepth: -1}), "max_depth must not be negative")
	require.ErrorContains(t, srv.SetLimits(&configv1.Limits{MaxUnsentSize: -1}), "max_unsent_size must not be negative")
	require.ErrorContains(t, srv.SetLimits(&configv1.Limits{IdleTimeout: durationpb.New(-time.Second)}), "idle_timeout")
	_, err = service.Call[string](t.Context(), connect(), "echo", large)
	require.ErrorIs(t, err, transport.ErrUnavailable, "what is wrong changes nothing")

	require.NoError(t, srv.SetLimits(nil))
	_, err = service.Call[string](t.Context(), connect(), "echo", large)
	require.NoError(t, err)
	release <- struct{}{}
	_, err = waiting.Wait(t.Context())
	require.NoError(t, err)
}

func TestLimitsThatAreSetBeforeStart(t *testing.T) {
	srv := service.NewServer(service.MaxConnections(5), quiet)
	require.NoError(t, srv.SetLimits(&configv1.Limits{MaxConnections: 1}))
	require.NoError(t, srv.Add(service.New("o").Method("m", func() {})))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	p, err := service.Connect(srv.URI("o").String())
	require.NoError(t, err)
	defer p.Close()
	require.NoError(t, p.Ping(t.Context()))
	q, err := p.With()
	require.NoError(t, err)
	defer q.Close()
	require.ErrorIs(t, q.Ping(t.Context()), transport.ErrExhausted)
}

func TestLimitsChangeUnderLoad(t *testing.T) {
	srv := service.NewServer(quiet)
	require.NoError(t, srv.Add(service.New("o").Method("add", func(a, b int) int { return a + b })))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.Background())) }()
	var callers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for done := false; !done; {
				p, err := service.Connect(srv.URI("o").String())
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := service.Call[int](t.Context(), p, "add", 1, 2); err != nil || n != 3 {
					t.Error(n, err)
					done = true
				}
				_ = p.Close()
				select {
				case <-stop:
					done = true
				default:
				}
			}
		})
	}
	for i := range 200 {
		require.NoError(t, srv.SetLimits(&configv1.Limits{
			MaxConnections: int32(100 + i), MaxDepth: int32(50 + i), MaxInflatedSize: int64(1<<20 + i), MaxCalls: int32(100 + i),
			MaxUnsentSize: int64(1 + i),
		}))
	}
	close(stop)
	callers.Wait()
}

func TestMaxUnsentSize(t *testing.T) {
	large := strings.Repeat("x", 6<<20)
	for _, set := range []string{"option", "limits"} {
		synctest.Test(t, func(t *testing.T) {
			l := inmem.Listen()
			srv := service.NewServer(service.ListenOn(l), service.MaxUnsentSize(8<<20), quiet)
			require.NoError(t, srv.Add(service.New("o").Method("large", func() string { return large })))
			require.NoError(t, srv.Start())
			if set == "limits" {
				require.NoError(t, srv.SetLimits(&configv1.Limits{MaxUnsentSize: 16 << 20}))
			}
			wire, err := l.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			for _, f := range [][]byte{
				vectortest.Build("pyro5", vectortest.Connect, 0, 0, 1, "{'handshake':'hello','object':'o'}"),
				vectortest.Build("pyro5", vectortest.Invoke, 0, 1, 1, "('o','large',(),{})"),
			} {
				_, err = wire.Write(f)
				require.NoError(t, err)
				if f[6] == vectortest.Connect {
					_, err = vectortest.ReadFrame(wire)
					require.NoError(t, err)
				}
			}
			time.Sleep(10 * time.Second)
			p, err := service.Connect("PYRO:o@memory:1", service.DialWith(l.DialContext))
			require.NoError(t, err)
			_, err = service.Call[string](t.Context(), p, "large")
			require.NoError(t, err)
			require.Equal(t, map[string]uint64{"option": 1, "limits": 0}[set], srv.Stats().UnsentTimeouts)
			require.NoError(t, p.Close())
			require.NoError(t, wire.Close())
			require.NoError(t, srv.Shutdown(t.Context()))
		})
	}
	require.ErrorContains(t, service.NewServer(service.MaxUnsentSize(0)).Start(), "MaxUnsentSize(0): must be positive")
}
