package echo_test

import (
	"bytes"
	"log/slog"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/echo"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheMethodsOfPyrosEchoServer(t *testing.T) {
	var log bytes.Buffer
	ended := 0
	srv := servicetest.NewServer(t, echo.New(echo.Config{
		Shutdown: func() { ended++ },
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
	}))
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := srv.Connect(t, echo.Name, service.Dialect(dialect))
		ctx := t.Context()
		v, err := service.Call[any](ctx, p, "echo", service.Kwargs{"message": []any{int64(1), "x", nil}})
		require.NoError(t, err)
		require.Equal(t, []any{int64(1), "x", nil}, v)
		inf, err := service.Call[float64](ctx, p, "inf")
		require.NoError(t, err)
		require.True(t, math.IsInf(inf, 1))
		err = service.Do(ctx, p, "error")
		want := "this is the generated error from echoserver echo() method"
		if dialect == codec.Pyro4 {
			want = "expected error from echoserver error() method"
		}
		require.ErrorContains(t, err, want)
		var items []string
		for item, err := range service.Stream[string](ctx, p, "generator") {
			require.NoError(t, err)
			items = append(items, item)
		}
		require.Equal(t, []string{"one", "two", "three"}, items)
		require.NoError(t, service.Set(ctx, p, "verbose", true))
		require.NoError(t, service.Do(ctx, p, "echo", "loud"))
		require.Contains(t, log.String(), "message=loud")
		require.NoError(t, service.Set(ctx, p, "verbose", false))
		log.Reset()
		require.NoError(t, service.Do(ctx, p, "shutdown"))
	}
	require.Equal(t, 2, ended)
}

func TestCallersEndAServerOnlyWhereTheyMay(t *testing.T) {
	srv := servicetest.NewServer(t, echo.New(echo.Config{}))
	err := service.Do(t.Context(), srv.Connect(t, echo.Name), "shutdown")
	require.ErrorIs(t, err, transport.ErrPermissionDenied)
}
