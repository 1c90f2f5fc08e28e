//go:build integration

package integration

import (
	"context"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// namesAt starts Python's name server at HOST:PORT; stop kills it.
func namesAt(t *testing.T, d peers.Dialect, location string) (stop func()) {
	t.Helper()
	_, port := split(t, location)
	return peers.NameServer(t, d, "-p", strconv.Itoa(port)).Stop
}

// eachNameServerFor is eachNameServer, and says which dialects can ask it.
func eachNameServerFor(t *testing.T, test func(t *testing.T, location string, clients []peers.Dialect)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) { test(t, pythonNames(t, d), []peers.Dialect{d}) })
	t.Run("Go", func(t *testing.T) { test(t, goNames(t), peers.Dialects) })
}

// find returns the names that a query chooses.
func find(t *testing.T, location string, q discovery.Query) (names []string) {
	t.Helper()
	r := nameserver.NewResolver(nameserver.Locator{Locations: []string{location}})
	entries, err := r.Find(t.Context(), q)
	if err != nil {
		require.ErrorIs(t, err, transport.ErrUnavailable)
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

func TestQueriesOfEveryNameServer(t *testing.T) {
	eachNameServer(t, func(t *testing.T, location string) {
		c, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
		require.NoError(t, err)
		defer c.Close()
		for name, tags := range map[string][]string{"shop.tea": {"drinks", "hot"}, "shop.ale": {"drinks"}, "bread": {"food"}, "none": nil} {
			require.NoError(t, c.Register(t.Context(), name, parse(t, "PYRO:o@h:1"), false, tags...))
		}
		for _, tt := range []struct {
			query discovery.Query
			want  []string
		}{
			{discovery.Query{Name: "bread"}, []string{"bread"}},
			{discovery.Query{Name: "cake"}, nil},
			{discovery.Query{Prefix: "shop."}, []string{"shop.ale", "shop.tea"}},
			{discovery.Query{All: []string{"drinks"}}, []string{"shop.ale", "shop.tea"}},
			{discovery.Query{All: []string{"hot", "drinks", "hot"}}, []string{"shop.tea"}},
			{discovery.Query{All: []string{"hot", "food"}}, nil},
			{discovery.Query{Any: []string{"hot", "food"}}, []string{"bread", "shop.tea"}},
			{discovery.Query{Any: []string{"hot", "food"}, Prefix: "sh"}, []string{"shop.tea"}},
		} {
			require.Equal(t, tt.want, find(t, location, tt.query), tt.query)
		}

		c.PollInterval = tick
		next, end := iter.Pull2(c.Watch(t.Context(), discovery.Query{Any: []string{"drinks", "cold"}}))
		defer end()
		entries, err, _ := next()
		require.NoError(t, err)
		require.Len(t, entries, 2)
		_, err = c.Remove(t.Context(), "shop.tea")
		require.NoError(t, err)
		entries, err, _ = next()
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.NoError(t, c.SetMetadata(t.Context(), "bread", "cold"))
		entries, err, _ = next()
		require.NoError(t, err)
		require.Equal(t, "bread", entries[0].Name)
		require.Len(t, entries, 2)
	})
}

// A name server that was killed comes back knowing nothing, and the names come back by themselves.
func TestNamesComeBackToANameServerThatForgot(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		moving := "127.0.0.1:" + strconv.Itoa(freePort(t))
		stop := namesAt(t, d, moving)
		serve(t, newService().Tagged("shop"), service.Announce(nameserver.Registrar(pyro.DialConfig{}, moving)))
		require.Eventually(t, func() bool { return len(find(t, moving, discovery.Query{Name: "svc"})) == 1 }, soon, tick)
		stop()
		require.Empty(t, find(t, moving, discovery.Query{}))
		namesAt(t, d, moving)
		require.Eventually(t, func() bool { return len(find(t, moving, discovery.Query{All: []string{"shop"}})) == 1 }, soon, tick)
	})
}

// Instances find a place behind one name: one proxy calls all of them, Python gets any of them.
func TestInstancesBehindOneName(t *testing.T) {
	eachNameServerFor(t, func(t *testing.T, location string, clients []peers.Dialect) {
		here := map[string]*service.Server{}
		for i := range 3 {
			srv := service.NewServer(
				service.Listen("tcp", "127.0.0.1:0"),
				service.AnnounceInstance(nameserver.Registrar(pyro.DialConfig{}, location), strconv.Itoa(i)),
				service.Logger(slog.New(slog.DiscardHandler)),
			)
			require.NoError(t, srv.Add(newService()))
			require.NoError(t, srv.Start())
			here[srv.URI("svc").String()] = srv
		}
		defer func() {
			for _, srv := range here {
				require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context())))
			}
		}()
		all := discovery.InstancesOf("svc")
		require.Eventually(t, func() bool { return len(find(t, location, all)) == 3 }, soon, tick)
		require.Equal(t, []string{"svc#0", "svc#1", "svc#2"}, find(t, location, all))

		p := proxy(t, "PYRONAME:svc@"+location, service.Balance(discovery.RoundRobin()))
		for range 12 {
			n, err := service.Call[int](t.Context(), p, "add", 40)
			require.NoError(t, err)
			require.Equal(t, 42, n)
		}
		seen := map[string]bool{}
		for range 30 {
			info, err := p.Info(t.Context())
			require.NoError(t, err)
			seen[info.URI.String()] = true
		}
		require.Len(t, seen, 3)

		for _, d := range clients {
			c := peers.NewClient(t, d)
			got := map[string]bool{}
			for range 40 {
				c.Connect("any", "PYROMETA:pyro.service:svc@"+location)
				uri := address.ReplaceAllString(c.Do(peers.Request{Op: "bind", Proxy: "any"}).Repr, "")
				require.Contains(t, here, uri)
				require.Equal(t, "42", repr(t, c.Call("any", "add", "(40,)")))
				got[uri] = true
			}
			require.Len(t, got, 3, "at random: once in 10^6 runs one of three is missed")
		}

		for uri, srv := range here { // one drains: its name goes, and nobody notices
			require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context())))
			delete(here, uri)
			break
		}
		require.Len(t, find(t, location, all), 2)
		failed := 0
		for range 20 {
			if _, err := service.Call[int](t.Context(), p, "add", 40); err != nil {
				failed++
			}
		}
		require.LessOrEqual(t, failed, 1, "a connection that has ended may be noticed one call late")
	})
}

// killable is what a process that serves under a name has to be told; it is this very test, started anew.
const killable = "PYROKIT_TEST_ANNOUNCE_AT"

func TestServeUntilKilled(t *testing.T) {
	location := os.Getenv(killable)
	if location == "" {
		t.Skip("it is the other process of TestNamesOfAKilledProcessVanish")
	}
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
	require.NoError(t, srv.Add(newService()))
	require.NoError(t, srv.Run(t.Context()))
}

// Where the name server has leases, the names of a killed process vanish in seconds.
func TestNamesOfAKilledProcessVanish(t *testing.T) {
	location := goNames(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeUntilKilled$")
	cmd.Env = append(os.Environ(), killable+"="+location)
	require.NoError(t, cmd.Start())
	there := func() bool { return len(find(t, location, discovery.Query{Name: "svc"})) == 1 }
	require.Eventually(t, there, soon, tick)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { return !there() }, soon, tick)
}

// Waiting for a name: the proxy is there before the object.
func TestWaitingForAName(t *testing.T) {
	eachNameServer(t, func(t *testing.T, location string) {
		for _, uri := range []string{"PYRONAME:svc@", "PYROMETA:later@"} {
			p := proxy(t, uri+location, service.LookupDelay(soon/3))
			f := service.Go[int](t.Context(), p, "add", 40)
			srv := serve(t, newService().Tagged("later"), service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
			n, err := f.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, 42, n)
			require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context())))
		}
	})
}

// The error is Pyro's own.
func TestNobodyHasTheTags(t *testing.T) {
	eachNameServerFor(t, func(t *testing.T, location string, clients []peers.Dialect) {
		err := service.Do(t.Context(), proxy(t, "PYROMETA:a,b@"+location), "nothing")
		require.ErrorIs(t, err, transport.ErrNotFound)
		require.ErrorContains(t, err, "NamingError: no registrations available with desired metadata properties {'a', 'b'}")
		for _, d := range clients {
			c := peers.NewClient(t, d)
			c.Connect("none", "PYROMETA:a@"+location)
			theirs := raised(t, c.Call("none", "nothing", "()"))
			require.Equal(t, of(d, "NamingError"), theirs.Class)
			require.Contains(t, theirs.Text, "no registrations available with desired metadata properties {'a'}")
		}
	})
}

// An object that moved is found at its new place, whoever keeps the names, through a cache as well.
func TestAnObjectThatMovedIsFoundThroughACache(t *testing.T) {
	eachNameServer(t, func(t *testing.T, location string) {
		names := nameserver.NewResolver(nameserver.Locator{Locations: []string{location}})
		cache := discovery.NewCache(names, discovery.CacheConfig{TTL: soon})
		announce := func() *service.Server {
			srv := serve(t, newService(), service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
			require.Eventually(t, func() bool {
				e, err := names.Resolve(t.Context(), "svc")
				return err == nil && e.URI.String() == srv.URI("svc").String()
			}, soon, tick)
			return srv
		}
		first := announce()
		require.NoError(t, service.Do(t.Context(), proxy(t, "PYRONAME:svc", service.Resolver(cache)), "nothing"))
		require.NoError(t, first.Shutdown(context.WithoutCancel(t.Context())))
		second := announce()
		p := proxy(t, "PYRONAME:svc", service.Resolver(cache))
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		require.Equal(t, second.URI("svc"), info.URI)
	})
}
