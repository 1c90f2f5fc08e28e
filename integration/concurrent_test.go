//go:build integration

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

const callers = 200

// all runs n functions at the same time and returns what went wrong with each.
func all(n int, do func(i int) error) []error {
	results := make(chan error, n)
	for i := range n {
		go func() { results <- do(i) }()
	}
	errs := make([]error, 0, n)
	for range n {
		errs = append(errs, <-results)
	}
	return errs
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// Each caller gets its own replies, on one connection and on several.
func TestManyGoroutinesOnOneProxy(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		for _, pool := range []int{1, 8} {
			p := proxy(t, svc.URIs["svc"], service.Pool(pool))
			ctx := within(t, 2*soon)
			noErrors(t, all(callers, func(i int) error {
				for j := range 10 {
					want := fmt.Sprintf("%d:%d %s", i, j, strings.Repeat("x", i*j))
					got, err := service.Call[string](ctx, p, "echo", want)
					if err != nil || got != want {
						return fmt.Errorf("caller %d: got %.20q: %w", i, got, err)
					}
				}
				return nil
			}))
		}
	})
}

func TestManyPythonThreadsOnOneServer(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		a := c.Do(peers.Request{Op: "threads", URI: srv.URI("svc").String(), Method: "echo", Args: "('mine',)", Threads: callers, Count: 5})
		require.Empty(t, a.Failures)
		require.Equal(t, "["+strings.TrimSuffix(strings.Repeat("'mine', ", callers), ", ")+"]", repr(t, a))
	})
}

// mixed makes calls of many kinds in turn and counts the wrong answers.
const mixed = `
import json, sys
dialect, uri, count = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
wrong = 0
with api.Proxy(uri) as svc:
    for n in range(int(count)):
        wrong += svc.echo([dialect, n]) != [dialect, n]
        wrong += svc.add(n, b=1) != n + 1
        wrong += list(svc.stream(2)) != [0, 1]
        wrong += svc.context()["dialect"] != dialect.lower()
        try:
            svc.fail("naming")
            wrong += 1
        except sys.modules[dialect + ".errors"].NamingError:
            pass
print(json.dumps(wrong))
`

// One port answers both dialects at the same time.
func TestBothDialectsOnOnePort(t *testing.T) {
	srv := serve(t, newService())
	ctx := within(t, 2*soon)
	noErrors(t, all(4, func(i int) error {
		wrong := -1
		err := peers.Run(ctx, &wrong, mixed, peers.Dialects[i%2].String(), srv.URI("svc").String(), "200")
		if wrong != 0 {
			return fmt.Errorf("%d wrong answers: %w", wrong, err)
		}
		return err
	}))
}

// A cancelled call leaves the connection, and so the session on the other end, as it is. Its late reply is
// dropped, not taken for another's.
func TestCancelledCalls(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		session := proxy(t, svc.URIs["session"])
		p := proxy(t, svc.URIs["svc"])
		ctx := within(t, soon)
		first, err := service.Call[map[string]any](ctx, p, "context")
		require.NoError(t, err)
		late := 0
		for i := range 20 {
			short, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
			err := service.Do(short, p, "sleep", 0.02)
			if err != nil { // on a busy machine the reply may have won
				late++
				require.ErrorIs(t, err, transport.ErrTimeout)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			cancel()
			got, err := service.Call[int](ctx, p, "echo", i)
			require.NoError(t, err)
			require.Equal(t, i, got)
		}
		require.Greater(t, late, 1, "no call was cancelled under way")
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		err = service.Do(canceled, p, "nothing")
		require.ErrorIs(t, err, transport.ErrCanceled)
		require.ErrorIs(t, service.Do(ctx, p, "sleep", 1, service.Timeout(time.Millisecond)), transport.ErrTimeout)
		last, err := service.Call[map[string]any](ctx, p, "context")
		require.NoError(t, err)
		require.Equal(t, first["client"], last["client"], "the same connection all along")

		require.NoError(t, service.Do(ctx, session, "increment"))
		n, err := service.Call[int](ctx, session, "increment")
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

// Callers that give up do not disturb those that wait.
func TestManyCancelledCallsAmongOthers(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"])
		ctx := within(t, 2*soon)
		noErrors(t, all(callers, func(i int) error {
			if i%2 == 0 {
				short, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				_ = service.Do(short, p, "sleep", 0.001) // whichever comes first
				return nil
			}
			got, err := service.Call[int](ctx, p, "echo", i)
			if got != i {
				return fmt.Errorf("caller %d got %d: %w", i, got, err)
			}
			return err
		}))
	})
}
