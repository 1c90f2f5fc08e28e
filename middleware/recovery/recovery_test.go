package recovery_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/recovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func panicky() *service.Service {
	return service.New("panicky").Method("panics", func() { panic("secret") }).Method("fine", func() int { return 1 })
}

func TestWhatIsSeenOfAPanic(t *testing.T) {
	tests := []struct {
		name     string
		opts     []recovery.Option
		wantText string
		exposed  bool
	}{
		{"by default nothing", nil, "internal error", false},
		{"all of it, if that is wanted", []recovery.Option{recovery.ExposeText()}, "panic: secret", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var own, servers bytes.Buffer
			opts := append([]recovery.Option{recovery.Logger(slog.New(slog.NewTextHandler(&own, nil)))}, tt.opts...)
			p := pairtest.Join(t, panicky(), []service.ServerOption{
				service.Logger(slog.New(slog.NewTextHandler(&servers, nil))), service.Use(recovery.New(opts...)),
			})
			err := service.Do(t.Context(), p, "panics")
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "builtins.RuntimeError", e.Class)
			require.Equal(t, tt.wantText, e.Message)
			require.Equal(t, tt.exposed, strings.Contains(fmt.Sprint(e.Traceback), "goroutine "), "the stack")
			require.Contains(t, own.String(), "secret")
			require.Contains(t, own.String(), "recovery_test.go")
			require.NotContains(t, servers.String(), "secret", "it is logged once")
			require.NoError(t, service.Do(t.Context(), p, "fine"))
		})
	}
}

func TestWithoutALoggerTheServersHasIt(t *testing.T) {
	var log bytes.Buffer
	p := pairtest.Join(t, panicky(), []service.ServerOption{
		service.Logger(slog.New(slog.NewTextHandler(&log, nil))), service.Use(recovery.New()),
	})
	require.Error(t, service.Do(t.Context(), p, "panics"))
	require.Contains(t, log.String(), "secret")
}

// bursting is a middleware that panics.
func bursting() transport.Middleware {
	return transport.Middleware{
		Name: "bursting",
		Call: func(transport.Endpoint) transport.Endpoint {
			return func(context.Context, *transport.Call) (*transport.Reply, error) { panic("secret") }
		},
	}
}

func TestOnAClientItGuardsTheCaller(t *testing.T) {
	p := pairtest.Join(t, panicky(), nil, service.Use(recovery.New(), bursting()))
	err := service.Do(t.Context(), p, "fine")
	require.ErrorIs(t, err, transport.ErrInternal)
	require.NotContains(t, err.Error(), "secret")
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "secret", e.Panic.Value, "for who asks on this side")
}

func TestAHandshakeThatPanicsIsDenied(t *testing.T) {
	burst := transport.Middleware{Name: "burst", Handshake: func(transport.HandshakeFunc) transport.HandshakeFunc {
		return func(context.Context, *transport.Handshake) (*transport.Welcome, error) { panic("secret") }
	}}
	p := pairtest.Join(t, panicky(), []service.ServerOption{service.Use(recovery.New(), burst)})
	err := service.Do(t.Context(), p, "fine")
	require.ErrorContains(t, err, "internal error")
	require.NotContains(t, err.Error(), "secret")
}

func TestOrdinaryErrorsPass(t *testing.T) {
	want := transport.NewError("ValueError", "x")
	endpoint := recovery.New(recovery.ExposeText()).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return nil, want
	})
	_, err := endpoint(t.Context(), &transport.Call{})
	require.Same(t, want, err)
}
