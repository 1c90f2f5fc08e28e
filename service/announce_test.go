package service_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A picky registrar refuses one name.
type picky struct{ registered, withdrawn chan string }

func (p *picky) Register(_ context.Context, e discovery.Entry) error {
	return p.take(p.registered, e)
}

func (p *picky) Unregister(_ context.Context, e discovery.Entry) error {
	return p.take(p.withdrawn, e)
}

func (p *picky) take(names chan string, e discovery.Entry) error {
	if e.Name == "refused" {
		return errors.New("not this one")
	}
	select {
	case names <- e.Name:
	default:
	}
	return nil
}

func TestAnEntryThatIsRefusedDoesNotHideTheOthers(t *testing.T) {
	p := &picky{registered: make(chan string, 1), withdrawn: make(chan string, 1)}
	srv := service.NewServer(service.Announce(p))
	for _, name := range []string{"refused", "good"} {
		require.NoError(t, srv.Add(service.New(name).Method("m", func() {})))
	}
	require.NoError(t, srv.Start())
	require.Equal(t, "good", <-p.registered)
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Equal(t, "good", <-p.withdrawn)
}

// A registrar that knows what is registered; it never answers while it is stuck.
type registry struct {
	mu    sync.Mutex
	names map[string]string
	stuck atomic.Bool
	at    string
}

func (r *registry) Register(_ context.Context, e discovery.Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[e.Name] = e.URI.String()
	return nil
}

func (r *registry) Unregister(ctx context.Context, e discovery.Entry) error {
	if r.stuck.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, e.Name)
	return nil
}

func (r *registry) Location() pyro.URI { return pyro.URI{Host: r.at, Port: 9090} }

func (r *registry) known() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.names))
}

func TestNamesComeAndGoWhileTheServerRuns(t *testing.T) {
	r := &registry{names: map[string]string{}}
	first, second := service.New("first").Method("m", func() int { return 1 }), service.New("second")
	srv := start(t, first, service.Announce(r))
	is := func(names ...string) func() bool {
		return func() bool { return slices.Equal(r.known(), names) }
	}
	require.Eventually(t, is("first"), 30*time.Second, time.Millisecond)
	unnamed := service.New("").Method("m", func() int { return 3 })
	require.NoError(t, srv.Add(second, unnamed))
	require.Eventually(t, is("first", "second"), 30*time.Second, time.Millisecond, "nobody asks for a name that was made up")
	n, err := service.Call[int](t.Context(), connect(t, srv.URI(unnamed.Name()).String()), "m")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.True(t, srv.RemoveID("second"))
	require.False(t, srv.RemoveID("second"))
	require.False(t, srv.RemoveID("Pyro.Daemon"))
	require.Eventually(t, is("first"), 30*time.Second, time.Millisecond)
	require.NoError(t, srv.Add(second))
	require.Eventually(t, is("first", "second"), 30*time.Second, time.Millisecond, "it may come back")

	again := service.New("first").Method("m", func() int { return 2 })
	err = srv.Add(again)
	require.ErrorContains(t, err, "service first: ")
	require.ErrorContains(t, err, "an object or class is already registered with that id")
	p := connect(t, srv.URI("first").String())
	n, err = service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, srv.Replace(again))
	n, err = service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 2, n, "on the connection that stood")
	srv.Remove(first)
	n, err = service.Call[int](t.Context(), p, "m")
	require.NoError(t, err, "somebody else has its name")
	require.Equal(t, 2, n)
	require.Error(t, srv.Replace(service.New("Pyro.Daemon")))
}

func TestShutdownDoesNotWaitForNamesLongerThanItMay(t *testing.T) {
	r := &registry{names: map[string]string{}}
	srv := service.NewServer(service.Announce(r), service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(service.New("stays")))
	require.NoError(t, srv.Start())
	require.Eventually(t, func() bool { return len(r.known()) == 1 }, 30*time.Second, time.Millisecond)
	r.stuck.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, srv.Shutdown(ctx), "no call was cut off")
	<-srv.Done()
	require.Equal(t, []string{"stays"}, r.known())
}

func TestWarningOfAnAddressThatOthersCannotReach(t *testing.T) {
	for _, tt := range []struct {
		registrar, listen string
		warns             bool
	}{
		{"10.1.2.3", "127.0.0.1:0", true},
		{"names.example", "localhost:0", true},
		{"127.0.0.1", "127.0.0.1:0", false},
		{"localhost", "localhost:0", false},
		{"10.1.2.3", "LOCALHOST:0", true}, // a name for it, as Debian has one
		{"10.1.2.3", "0.0.0.0:0", false},
	} {
		var log syncBuffer
		r := &registry{names: map[string]string{}, at: tt.registrar}
		s := service.New("near").Method("m", func() {})
		srv := service.NewServer(service.Announce(r), service.Listen("tcp", tt.listen), service.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, srv.Add(s))
		require.NoError(t, srv.Start())
		require.Eventually(t, func() bool { return strings.Contains(log.String(), "are announced") }, 30*time.Second, time.Millisecond)
		require.NoError(t, srv.Shutdown(t.Context()))
		require.Equal(t, tt.warns, strings.Contains(log.String(), "only this machine can reach"), "%+v", tt)
	}
}

// A rival is a directory in which somebody else takes the name app as soon as it is given. Its leases are short.
type rival struct{ registry }

func (r *rival) Lease(ctx context.Context, e discovery.Entry, _ time.Duration) (time.Duration, error) {
	return 300 * time.Millisecond, r.Register(ctx, e)
}

func (r *rival) Resolve(_ context.Context, name string) (discovery.Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	uri, err := pyro.ParseURI(r.names[name])
	if name == "app" {
		uri.Port = 1
	}
	return discovery.Entry{Name: name, URI: uri}, err
}

func TestInstancesShareTheirNameWithoutAWarning(t *testing.T) {
	for level, more := range map[string][]service.ServerOption{
		"WARN": nil,
		"INFO": {service.AnnounceInstance(&rival{registry{names: map[string]string{}}}, "7")},
	} {
		t.Run(level, func(t *testing.T) {
			var log syncBuffer
			srv := service.NewServer(append(more, service.Announce(&rival{registry{names: map[string]string{}}}),
				service.Logger(slog.New(slog.NewTextHandler(&log, nil))))...)
			require.NoError(t, srv.Add(service.New("app")))
			require.NoError(t, srv.Start())
			require.Eventually(t, func() bool {
				return strings.Contains(log.String(), "somebody else") && strings.Count(log.String(), "are announced") == 1+len(more)
			}, 30*time.Second, time.Millisecond)
			require.NoError(t, srv.Shutdown(t.Context()))
			require.Contains(t, log.String(), "level="+level+` msg="somebody else has registered the name" name=app`)
			require.Contains(t, log.String(), "names=[app] at=["+srv.URI("app").Location()+"]")
			if more != nil {
				require.NotContains(t, log.String(), "level=WARN")
				require.Contains(t, log.String(), "names=[app#7] ")
			}
		})
	}
}

// A syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
