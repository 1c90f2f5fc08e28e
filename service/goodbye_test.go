package service_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
)

// A register counts how often each booking was made, by any server.
type register struct {
	mu     sync.Mutex
	booked map[int64]int
}

func (r *register) book(id int64) {
	if id%64 == 0 { // some run aside
		time.Sleep(2 * time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.booked[id]++
}

// serve starts a server of the object "app", or of an instance of it.
func (r *register) serve(t *testing.T, instance string) (*service.Server, discovery.Entry) {
	t.Helper()
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(service.New("app").Method("book", r.book)))
	require.NoError(t, srv.Start())
	e := discovery.Entry{Name: "app", URI: srv.URI("app")}
	if instance != "" {
		e = discovery.Instance(e, instance)
	}
	return srv, e
}

// bookings are calls that must not be made twice, by callers who do not repeat them.
type bookings struct {
	ids    atomic.Int64
	failed atomic.Pointer[error]
	stop   atomic.Bool
	wg     sync.WaitGroup
}

// book makes calls, one after the other, with pauses of up to pause.
func (b *bookings) book(ctx context.Context, p *service.Proxy, pause time.Duration) {
	b.wg.Go(func() {
		for !b.stop.Load() {
			if err := service.Do(ctx, p, "book", b.ids.Add(1)); err != nil {
				b.failed.CompareAndSwap(nil, &err)
				return
			}
			if pause > 0 {
				time.Sleep(rand.N(pause))
			}
		}
	})
}

// end ends the callers, and looks whether each booking was made once.
func (b *bookings) end(t *testing.T, r *register) {
	t.Helper()
	b.stop.Store(true)
	b.wg.Wait()
	if err := b.failed.Load(); err != nil {
		require.NoError(t, *err)
	}
	for id := range b.ids.Load() {
		require.Equal(t, 1, r.booked[id+1])
	}
	require.Len(t, r.booked, int(b.ids.Load()))
}

// more waits until more calls were made.
func (b *bookings) more(t *testing.T) {
	t.Helper()
	before := b.ids.Load()
	require.Eventually(t, func() bool { return b.ids.Load() > before+50 || b.failed.Load() != nil }, 20*time.Second, 100*time.Microsecond)
}

// No call is lost and none is made twice, whatever it does, while a server is restarted again and again.
func TestRestartsLoseNoCall(t *testing.T) {
	const restarts = 200
	tests := map[string]struct {
		instance string // empty: there is one
		option   service.ProxyOption
	}{
		"by name":  {option: service.ConnectAttempts(20)}, // a lookup may come just before the name moves
		"balanced": {instance: "0", option: service.Balance(discovery.RoundRobin())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &register{booked: map[int64]int{}}
			srv, entry := r.serve(t, tt.instance)
			entries := []discovery.Entry{entry}
			if tt.instance != "" {
				other, entry := r.serve(t, "1")
				defer func() { require.NoError(t, other.Shutdown(t.Context())) }()
				entries = append(entries, entry)
			}
			n := newNames(entries...)
			var b bookings
			for i := range 4 {
				shared := connect(t, "PYRONAME:app", service.Resolver(n), tt.option)
				own := connect(t, "PYRONAME:app", service.Resolver(n), tt.option)
				b.book(t.Context(), own, time.Duration(i)*time.Millisecond)
				for range 2 {
					b.book(t.Context(), shared, 0)
				}
			}
			for i := range restarts {
				b.more(t)
				old := srv
				srv, entry = r.serve(t, tt.instance)
				entries = append([]discovery.Entry{entry}, entries[1:]...)
				n.set(nil, entries...)
				require.NoError(t, old.Shutdown(t.Context()), i)
			}
			b.more(t)
			b.end(t, r)
			require.NoError(t, srv.Shutdown(t.Context()))
		})
	}
}
