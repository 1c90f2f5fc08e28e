package nameserver_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// watched is what a watch tells, one thing after the other.
type watched struct {
	t     *testing.T
	items chan string
	ended chan error
}

func watch(ctx context.Context, t *testing.T, address string, d codec.Dialect, args ...any) *watched {
	t.Helper()
	w := &watched{t: t, items: make(chan string), ended: make(chan error, 1)}
	p := proxy(t, address, d)
	go func() {
		for item, err := range service.Stream[any](ctx, p, "watch", args...) {
			if err != nil {
				w.ended <- err
				return
			}
			select {
			case w.items <- valuetest.Describe(item):
			case <-ctx.Done():
			}
		}
		w.ended <- nil
	}()
	return w
}

func (w *watched) next() string {
	w.t.Helper()
	select {
	case item := <-w.items:
		return item
	case err := <-w.ended:
		require.FailNow(w.t, "the watch ended", "%v", err)
		return ""
	}
}

func TestWatchTellsWhatIsThereAndWhatChanges(t *testing.T) {
	for _, d := range both {
		t.Run(d.String(), func(t *testing.T) {
			ns, address := start(t)
			p := proxy(t, address, d)
			fill(t, p)
			ctx, cancel := context.WithCancel(t.Context())
			w := watch(ctx, t, address, d, "app.")
			require.Equal(t, `("put" "app.one" "PYRO:o@h:1" ["blue" "red"])`, w.next())
			require.Equal(t, `("put" "app.two" "PYRO:o@h:1" ["red"])`, w.next())
			require.Equal(t, `("synced")`, w.next())
			require.NoError(t, service.Do(t.Context(), p, "register", "other", "PYRO:o@h:2"))
			require.NoError(t, service.Do(t.Context(), p, "register", "app.new", "PYRO:o@h:2"))
			require.Equal(t, `("put" "app.new" "PYRO:o@h:2" [])`, w.next())
			require.NoError(t, service.Do(t.Context(), p, "set_metadata", "app.new", []string{"x"}))
			require.Equal(t, `("put" "app.new" "PYRO:o@h:2" ["x"])`, w.next())
			require.NoError(t, service.Do(t.Context(), p, "remove", "app.new"))
			require.Equal(t, `("remove" "app.new")`, w.next())
			stats, err := ns.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, stats.Watchers)
			cancel()
			require.Error(t, <-w.ended)
		})
	}
}

func TestAWatchTellsManyChangesAtATime(t *testing.T) {
	for _, d := range both {
		t.Run(d.String(), func(t *testing.T) {
			s := storage.NewMemory()
			_, address := start(t, nameserver.Storage(s))
			for i := range 2500 {
				require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprintf("app.%04d", i), URI: "PYRO:o@h:1"}, false))
			}
			for i := range 4 {
				long := strings.Repeat("x", 40_000)
				require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprintf("long.%d", i), URI: "PYRO:" + long + "@h:1", Tags: []string{long}}, false))
			}
			p := proxy(t, address, d)
			lengths := func(prefix string, most any) (lengths []int) {
				t.Helper()
				for changes, err := range service.Stream[[][]any](t.Context(), p, "watch", prefix, nil, most) {
					require.NoError(t, err)
					lengths = append(lengths, len(changes))
					if changes[len(changes)-1][0] == "synced" {
						break
					}
				}
				return lengths
			}
			require.Equal(t, []int{1000, 1000, 501}, lengths("app.", 1e9))
			require.Equal(t, []int{3, 3, 3, 2}, lengths("app.000", 3))
			require.Equal(t, []int{1, 1, 1, 1, 1}, lengths("long.", 1000), "as long as others can have one, too")
		})
	}
}

func TestAQuietWatchIsAlive(t *testing.T) {
	_, address := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := watch(ctx, t, address, codec.Pyro5, "none.", 0.1)
	require.Equal(t, `("synced")`, w.next())
	require.Equal(t, `("alive")`, w.next())
	require.Equal(t, `("alive")`, w.next())
	cancel()
	<-w.ended
	ctx, cancel = context.WithCancel(t.Context())
	w = watch(ctx, t, address, codec.Pyro5, "none.", 0.1, 5)
	require.Equal(t, `[("synced")]`, w.next())
	require.Equal(t, `[("alive")]`, w.next())
	cancel()
	<-w.ended
}

func TestAWatchEndsWithTheNameServer(t *testing.T) {
	ns, address := start(t)
	w := watch(t.Context(), t, address, codec.Pyro5, "none.")
	require.Equal(t, `("synced")`, w.next())
	ns.Close()
	require.NoError(t, <-w.ended)
}

func TestAWatchHoldsUpNoShutdownOfTheServerThatServesIt(t *testing.T) {
	for _, d := range both {
		t.Run(d.String(), func(t *testing.T) {
			ns := nameserver.New(nameserver.Logger(quiet()))
			srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
			require.NoError(t, srv.Add(ns.Service()))
			require.NoError(t, srv.Start())
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			w := watch(ctx, t, srv.URI("").Location(), d, "none.", 3600)
			require.Equal(t, `("synced")`, w.next())
			require.NoError(t, srv.Shutdown(ctx))
			<-w.ended
		})
	}
}

func TestWhatAWatchCannotBe(t *testing.T) {
	_, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	for _, interval := range []any{0, 0.01, -1, 1e9} {
		err := service.Do(t.Context(), p, "watch", nil, interval)
		require.ErrorContains(t, err, "the interval of a watch cannot be")
	}
	for _, most := range []any{0, -1, 0.5, math.NaN()} {
		err := service.Do(t.Context(), p, "watch", nil, nil, most)
		require.ErrorContains(t, err, "the items of a watch cannot have")
	}
	for text, args := range map[string][]any{
		"prefix must be a str, not int":      {1},
		"interval must be a number, not str": {"", "x"},
		"most must be a number, not str":     {"", nil, "x"},
	} {
		err := service.Do(t.Context(), p, "watch", args...)
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "builtins.TypeError", e.Class)
		require.Equal(t, text, e.Message)
	}
}

func TestAWatchThatNobodyListensToEnds(t *testing.T) {
	s := storage.NewMemory()
	_, address := start(t, nameserver.Storage(s))
	w := watch(t.Context(), t, address, codec.Pyro5, "app.")
	require.Equal(t, `("synced")`, w.next())
	// The watch may take all that there is once, whenever it gets its turn; before or after that it is too much.
	for i := range 100_000 {
		r := storage.Record{Name: "app.x", URI: fmt.Sprintf("PYRO:o@h:%d", i)}
		require.NoError(t, s.Put(t.Context(), r, false))
	}
	for {
		select {
		case <-w.items:
		case err := <-w.ended:
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "Pyro5.errors.NamingError", e.Class)
			require.Equal(t, "too many changes were not asked for in time: watch again", e.Message)
			return
		}
	}
}
