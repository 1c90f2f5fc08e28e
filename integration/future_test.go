//go:build integration

package integration

import (
	"context"
	"iter"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFuturesOfPythonMethods(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, _ string) {
		futures := make([]*service.Future[string], 50)
		for i := range futures {
			sum := service.Go[int](t.Context(), p, "add", i, service.Kwargs{"b": 1})
			echoed := service.Then(sum, func(ctx context.Context, n int) (int, error) {
				return service.Call[int](ctx, p, "echo", n)
			})
			futures[i] = service.Then(echoed, func(_ context.Context, n int) (string, error) { return strconv.Itoa(n), nil })
		}
		for i, f := range futures {
			v, err := f.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, strconv.Itoa(i+1), v)
		}

		fails := service.Go[int](t.Context(), p, "fail", "value", "wrong")
		never := service.Then(fails, func(context.Context, int) (int, error) { panic("not called") })
		v, err := never.IfError(func(_ context.Context, err error) (int, error) {
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "builtins.ValueError", e.Class)
			return 7, nil
		}).Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, v)
		_, err = never.Wait(t.Context())
		require.ErrorContains(t, err, "wrong")
	})
}

// Calls in the background run side by side in Python where each has a connection of its own.
func TestFuturesInAPool(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.Pool(2))
		slow := service.Go[float64](t.Context(), p, "sleep", 60)
		quick := service.Go[int](t.Context(), p, "add", 1, 2)
		n, err := quick.Wait(within(t, soon))
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.False(t, slow.Cancel(), "it was under way")
		_, err = slow.Wait(within(t, soon))
		require.ErrorIs(t, err, transport.ErrCanceled)
	})
}

func TestBatchesOfPythonInTheBackground(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, _ string) {
		b := p.Batch()
		sums := []*service.Future[int]{}
		for i := range 5 {
			service.Queue[int](b, "add", i, 1)
			service.Queue[int](b, "add", i, 2)
			sums = append(sums, service.Then(b.Go(t.Context()), func(_ context.Context, results iter.Seq2[any, error]) (int, error) {
				sum := 0
				for v, err := range results {
					if err != nil {
						return 0, err
					}
					sum += v.(int)
				}
				return sum, nil
			}))
		}
		for i, f := range sums {
			n, err := f.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, 2*i+3, n)
		}
	})
}
