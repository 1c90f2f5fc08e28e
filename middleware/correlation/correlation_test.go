package correlation_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// idService tells the correlation id that its method sees.
func idService(name string) *service.Service {
	return service.New(name).Method("id", func(ctx context.Context) string { return correlation.FromContext(ctx).String() })
}

func TestOnAClient(t *testing.T) {
	given := uuid.MustParse("11112222-3333-4444-5555-666677778888")
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			p := pairtest.Join(t, idService("s"), nil, service.Use(correlation.New()), service.Dialect(d))
			first, err := service.Call[string](t.Context(), p, "id")
			require.NoError(t, err)
			second, err := service.Call[string](t.Context(), p, "id")
			require.NoError(t, err)
			require.NotEqual(t, first, second, "each call has an id of its own")
			require.NotEqual(t, uuid.Nil.String(), first)

			same, err := service.Call[string](correlation.NewContext(t.Context(), given), p, "id")
			require.NoError(t, err)
			require.Equal(t, given.String(), same, "the context's id is sent")
		})
	}
}

func TestAnIdGoesThroughAChainOfServices(t *testing.T) {
	given := uuid.MustParse("11112222-3333-4444-5555-666677778888")
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			both := service.Use(correlation.New())
			inner := pairtest.Join(t, idService("inner"), []service.ServerOption{both}, both, service.Dialect(d))
			outer := service.New("outer").Method("id", func(ctx context.Context) (string, error) {
				return service.Call[string](ctx, inner, "id")
			})
			p := pairtest.Join(t, outer, []service.ServerOption{both}, service.Dialect(d))
			id, err := service.Call[string](correlation.NewContext(t.Context(), given), p, "id")
			require.NoError(t, err)
			require.Equal(t, given.String(), id)
		})
	}
}

func TestTheCallsOwnIdWins(t *testing.T) {
	own, other := uuid.New(), uuid.New()
	endpoint := correlation.New().Call(func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
		require.Equal(t, own, c.Header.CorrelationID)
		require.Equal(t, own, correlation.FromContext(ctx))
		return &transport.Reply{}, nil
	})
	call := &transport.Call{Header: transport.Header{CorrelationID: own}}
	_, err := endpoint(correlation.NewContext(t.Context(), other), call)
	require.NoError(t, err)
}
