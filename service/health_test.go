package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func app() *service.Service { return service.New("app").Method("who", func() int { return 1 }) }

// told collects what a watch yields, in the background; the result is there when it has ended.
func told[T any](seq iter.Seq[T]) (all <-chan T) {
	out := make(chan T, 16)
	go func() {
		defer close(out)
		for v := range seq {
			out <- v
		}
	}()
	return out
}

func TestAServiceServesWhileItsServerDoes(t *testing.T) {
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(app(), service.New("other").Method("m", func() {})))
	h := srv.Health()
	require.Equal(t, service.NotServing, h.Status("app"), "it has not started")
	require.NoError(t, srv.Start())
	require.Equal(t, map[string]service.HealthStatus{
		"": service.Serving, "app": service.Serving, "other": service.Serving,
	}, h.List())
	require.Equal(t, service.ServiceUnknown, h.Status("nobody"))

	h.Set("app", service.NotServing)
	require.Equal(t, map[string]service.HealthStatus{
		"": service.NotServing, "app": service.NotServing, "other": service.Serving,
	}, h.List(), "the whole is as well as its parts")
	h.Set("app", service.Serving)
	h.Set("", service.NotServing)
	require.Equal(t, service.NotServing, h.Status("other"))
	h.Set("", service.Serving)

	h.Set("later", service.NotServing)
	require.Equal(t, service.Serving, h.Status(""), "there is no such service yet")
	later := service.New("later").Method("m", func() {})
	require.NoError(t, srv.Add(later))
	require.Equal(t, service.NotServing, h.Status(""))
	srv.Remove(later)
	require.Equal(t, service.Serving, h.Status(""))

	require.NoError(t, srv.Shutdown(t.Context()))
	require.Equal(t, service.NotServing, h.Status("app"))
	require.Equal(t, []service.HealthStatus{service.NotServing}, collect(h.Watch(t.Context(), "")), "and a watch ends")
}

func collect[T any](seq iter.Seq[T]) (all []T) {
	for v := range seq {
		all = append(all, v)
	}
	return all
}

func TestTheHealthObject(t *testing.T) {
	srv := start(t, app())
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := connect(t, srv.URI(service.HealthObject).String(), service.Dialect(d))
		status, err := service.Call[service.HealthStatus](t.Context(), p, "check")
		require.NoError(t, err)
		require.Equal(t, service.Serving, status)
		status, err = service.Call[service.HealthStatus](t.Context(), p, "check", service.Kwargs{"service": "app"})
		require.NoError(t, err)
		require.Equal(t, service.Serving, status)
		err = service.Do(t.Context(), p, "check", "nobody")
		require.ErrorIs(t, err, transport.ErrNotFound)
		require.Equal(t, "builtins.LookupError", transport.AsError(err).Class)
		all, err := service.Call[map[string]string](t.Context(), p, "list")
		require.NoError(t, err)
		require.Equal(t, map[string]string{"": "SERVING", "app": "SERVING"}, all)
	}
	daemon := connect(t, srv.URI(pyro.DaemonObject).String())
	names, err := service.Call[[]string](t.Context(), daemon, "registered")
	require.NoError(t, err)
	require.Equal(t, []string{"Pyro.Daemon", "app"}, names, "as a daemon of Python's lists it")
	require.False(t, srv.RemoveID(service.HealthObject))
	own := service.New(service.HealthObject).Method("check", func() {})
	require.Error(t, srv.Replace(own))

	without := start(t, app(), service.NoHealth())
	p := connect(t, without.URI(service.HealthObject).String())
	require.ErrorIs(t, p.Ping(t.Context()), transport.ErrNotFound)
	require.Equal(t, service.Serving, without.Health().Status("app"))
	require.NoError(t, without.Add(own), "the name is free")
}

func TestAWatchTellsEachChange(t *testing.T) {
	srv := start(t, app())
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := connect(t, srv.URI(service.HealthObject).String(), service.Dialect(d))
		ctx, cancel := context.WithCancel(t.Context())
		watch := func(args ...any) <-chan string {
			return told(func(yield func(string) bool) {
				for s, err := range service.Stream[string](ctx, p, "watch", args...) {
					if err != nil {
						s = strconv.FormatBool(errors.Is(err, context.Canceled))
					}
					if !yield(s) {
						return
					}
				}
			})
		}
		whole, later := watch(), watch("later")
		require.Equal(t, "SERVING", <-whole)
		require.Equal(t, "SERVICE_UNKNOWN", <-later)
		svc := service.New("later").Method("m", func() {})
		require.NoError(t, srv.Add(svc))
		require.Equal(t, "SERVING", <-later)
		srv.Health().Set("later", service.NotServing)
		require.Equal(t, "NOT_SERVING", <-later)
		require.Equal(t, "NOT_SERVING", <-whole)
		require.True(t, srv.RemoveID("later"))
		require.Equal(t, "SERVICE_UNKNOWN", <-later)
		require.Equal(t, "SERVING", <-whole)
		srv.Health().Set("later", service.Serving)
		cancel()
		require.Equal(t, "true", <-whole)
		require.Equal(t, "true", <-later)
	}
}

func TestThoseWhoWatchAreToldBeforeTheServerLeaves(t *testing.T) {
	srv := start(t, app())
	p := connect(t, srv.URI("app").String())
	require.NoError(t, p.Ping(t.Context()))
	health := connect(t, srv.URI(service.HealthObject).String())
	next, stop := iter.Pull2(service.Stream[service.HealthStatus](t.Context(), health, "watch", "app"))
	defer stop()
	status, err, ok := next()
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, service.Serving, status)
	ended := make(chan error)
	go func() { ended <- srv.Shutdown(t.Context()) }()
	status, err, ok = next()
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, service.NotServing, status)
	require.NoError(t, service.Do(t.Context(), p, "who"), "who watches has not taken note yet: calls are answered")
	_, _, ok = next()
	require.False(t, ok, "the watch ends")
	require.NoError(t, <-ended)
}

func TestWhoWatchesTakesNoRoomFromCalls(t *testing.T) {
	var seen []transport.Kind
	chain := service.Use(transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Object == service.HealthObject {
				seen = append(seen, call.Kind)
			}
			return next(ctx, call)
		}
	}})
	srv := start(t, app(), service.MaxCalls(1), chain)
	p := connect(t, srv.URI("app").String())
	health := connect(t, srv.URI(service.HealthObject).String())
	next, stop := iter.Pull2(service.Stream[service.HealthStatus](t.Context(), health, "watch"))
	defer stop()
	_, err, _ := next()
	require.NoError(t, err)
	changed := make(chan error)
	go func() {
		_, err, _ := next()
		changed <- err
	}()
	for range 20 { // some of them while the watch waits
		require.NoError(t, service.Do(t.Context(), p, "who"))
	}
	require.EqualValues(t, 20, srv.Stats().Calls)
	srv.Health().Set("", service.NotServing)
	require.NoError(t, <-changed)
	require.Equal(t, []transport.Kind{transport.Invoke}, seen, "an item that is long in coming is no call that hangs")
}

func TestAFailingCheckTakesTheServerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Pointer[error]
		set := func(err error) { failing.Store(&err) }
		secret := errors.New("password hunter2 was refused")
		set(secret)
		var log bytes.Buffer
		srv := service.NewServer(service.ListenOn(inmem.Listen()),
			service.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, srv.Add(app()))
		h := srv.Health()
		runs := 0
		require.NoError(t, h.AddCheck("db", func(context.Context) error { runs++; return *failing.Load() }, service.CheckConfig{}))
		require.Error(t, h.AddCheck("db", func(context.Context) error { return nil }, service.CheckConfig{}), "the name is taken")
		require.Error(t, h.AddCheck("", func(context.Context) error { return nil }, service.CheckConfig{}))
		require.Error(t, h.AddCheck("nothing", nil, service.CheckConfig{}))
		require.Error(t, h.AddCheck("negative", func(context.Context) error { return nil }, service.CheckConfig{Every: -1}))
		require.ErrorContains(t, h.Checks()[0].Err, "not been checked yet")
		require.NoError(t, srv.Start())
		synctest.Wait()
		require.Equal(t, service.NotServing, h.Status("app"))
		require.Equal(t, []service.CheckResult{{Name: "db", Err: secret, At: time.Now()}}, h.Checks())
		set(nil)
		time.Sleep(service.DefaultCheckEvery)
		synctest.Wait()
		require.Equal(t, service.Serving, h.Status("app"))
		set(secret)
		time.Sleep(3 * service.DefaultCheckEvery)
		synctest.Wait()
		require.Equal(t, service.NotServing, h.Status(""))
		require.Equal(t, 5, runs)
		require.Equal(t, 2, bytes.Count(log.Bytes(), []byte(`msg="health check fails" check=db error="password hunter2 was refused"`)),
			"once each time that it turns")
		require.NoError(t, srv.Shutdown(t.Context()))
		require.Equal(t, 5, runs)
	})
}

func TestSlowChecksDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := service.NewServer(service.ListenOn(inmem.Listen()), service.Logger(slog.New(slog.DiscardHandler)))
		require.NoError(t, srv.Add(app()))
		require.NoError(t, srv.Start())
		h := srv.Health()
		var at []time.Duration
		begun := time.Now()
		deaf := func(context.Context) error { // heeds no context
			at = append(at, time.Since(begun))
			time.Sleep(7 * time.Second)
			return nil
		}
		require.NoError(t, h.AddCheck("deaf", deaf, service.CheckConfig{Every: 2 * time.Second, Timeout: time.Second}))
		panics := func(context.Context) error { panic("no") }
		require.NoError(t, h.AddCheck("panics", panics, service.CheckConfig{}))
		time.Sleep(1500 * time.Millisecond)
		require.ErrorContains(t, h.Checks()[0].Err, "no answer within 1s")
		require.ErrorIs(t, h.Checks()[0].Err, context.DeadlineExceeded)
		require.ErrorContains(t, h.Checks()[1].Err, "panicked")
		time.Sleep(14 * time.Second)
		synctest.Wait()
		require.Equal(t, []time.Duration{0, 7 * time.Second, 14 * time.Second}, at)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx), "it does not wait longer for a check than it may")
		time.Sleep(10 * time.Second) // the check returns
	})
}

func TestOnlyWhatServesIsAnnounced(t *testing.T) {
	r := &registry{names: map[string]string{}}
	var log syncBuffer
	srv := service.NewServer(service.Announce(r), service.AnnounceServing(), service.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, srv.Add(app(), service.New("other").Method("m", func() {})))
	ready := make(chan error)
	check := func(ctx context.Context) error {
		select {
		case err := <-ready:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	require.NoError(t, srv.Health().AddCheck("db", check, service.CheckConfig{Every: time.Millisecond, Timeout: time.Hour}))
	require.NoError(t, srv.Start())
	require.Empty(t, r.known(), "nothing is known of the check")
	ready <- nil
	known := func(names ...string) func() bool {
		return func() bool { return fmt.Sprint(r.known()) == fmt.Sprint(names) }
	}
	require.Eventually(t, known("app", "other"), 20*time.Second, time.Millisecond)
	srv.Health().Set("other", service.NotServing)
	require.Eventually(t, known("app"), 20*time.Second, time.Millisecond)
	ready <- errors.New("gone")
	require.Eventually(t, known(), 20*time.Second, time.Millisecond)
	srv.Health().Set("other", service.Serving)
	ready <- nil
	require.Eventually(t, known("app", "other"), 20*time.Second, time.Millisecond)
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Empty(t, r.known())
	require.NotContains(t, log.String(), "count=0")
	require.Contains(t, log.String(), `msg="services are announced" count=`)
}

func TestABalancedProxyHeedsHealth(t *testing.T) {
	servers, entries := instances(t, 3)
	require.NoError(t, servers[0].Add(service.New("other").Method("m", func() {})))
	servers[0].Health().Set("other", service.NotServing) // which is none of the proxy's business
	p := balanced(t, "PYROMETA:tag", newNames(entries...), discovery.RoundRobin(), service.HealthCheck())
	require.Len(t, whose(t, p, 9), 3)
	servers[1].Health().Set("app", service.NotServing)
	require.Eventually(t, func() bool { return whose(t, p, 3)[1] == 0 }, 20*time.Second, time.Millisecond)
	require.Equal(t, map[int]int{0: 6, 2: 6}, whose(t, p, 12))
	servers[0].Health().Set("", service.NotServing)
	servers[2].Health().Set("", service.NotServing)
	require.Eventually(t, func() bool { return len(whose(t, p, 6)) == 3 }, 20*time.Second, time.Millisecond,
		"one that is not serving is better than none")
	servers[1].Health().Set("app", service.Serving)
	require.Eventually(t, func() bool { return whose(t, p, 6)[1] == 6 }, 20*time.Second, time.Millisecond)

	_, err := service.Connect("PYRO:app@h:1", service.HealthCheck())
	require.ErrorContains(t, err, "Balance")
}

func TestServersWithoutHealthCountAsServing(t *testing.T) {
	servers := []*service.Server{start(t, app(), service.NoHealth()), start(t, app(), service.NoStreams()), start(t, app())}
	var entries []discovery.Entry
	for i, srv := range servers {
		entries = append(entries, discovery.Instance(discovery.Entry{Name: "app", URI: srv.URI("app")}, strconv.Itoa(i)))
	}
	p := balanced(t, "PYRONAME:app", newNames(entries...), discovery.RoundRobin(), service.HealthCheck())
	require.NoError(t, service.Do(t.Context(), p, "who"))
	for _, srv := range servers {
		srv.Health().Set("app", service.NotServing)
	}
	calls := func(i int) uint64 { return servers[i].Stats().Calls }
	require.Eventually(t, func() bool {
		before := calls(2)
		whose(t, p, 6)
		return calls(2) == before
	}, 20*time.Second, time.Millisecond)
	first, second := calls(0), calls(1)
	whose(t, p, 6)
	require.Equal(t, []uint64{first + 3, second + 3}, []uint64{calls(0), calls(1)})
}

// Instances are replaced one after the other while calls go on; none of them fails, and nothing is sent twice.
func TestARollingRestartLosesNoCall(t *testing.T) {
	servers, entries := instances(t, 3)
	n := newNames(entries...)
	p := balanced(t, "PYROMETA:tag", n, discovery.Random(), service.HealthCheck(), service.Pool(2))
	require.Eventually(t, func() bool { // all of them are watched
		for _, srv := range servers {
			if srv.Stats().Streams == 0 {
				_ = service.Do(t.Context(), p, "who")
				return false
			}
		}
		return true
	}, 20*time.Second, time.Millisecond)
	var (
		wg     sync.WaitGroup
		stop   atomic.Bool
		made   atomic.Int64
		failed atomic.Pointer[error]
	)
	for i := range 16 {
		method := []string{"who", "who", "who", "slow"}[i%4]
		wg.Go(func() {
			for !stop.Load() {
				if err := service.Do(t.Context(), p, method); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				made.Add(1)
			}
		})
	}
	for i, srv := range servers {
		before := made.Load()
		require.Eventually(t, func() bool { return made.Load() > before+200 }, 20*time.Second, time.Millisecond)
		require.NoError(t, srv.Shutdown(t.Context()))
		before = made.Load()
		require.Eventually(t, func() bool { return made.Load() > before+200 }, 20*time.Second, time.Millisecond)
		next, entry := instances(t, 1)
		entries[i] = entry[0]
		entries[i].Name = "app#new" + strconv.Itoa(i)
		n.set(nil, entries...)
		require.Eventually(t, func() bool { return next[0].Stats().Streams > 0 }, 20*time.Second, time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	if err := failed.Load(); err != nil {
		require.NoError(t, *err)
	}
}
