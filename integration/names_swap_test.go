//go:build integration

package integration

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	goserver "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A Go name server takes the place of Python's under services that run, at the same port with the same file, and gives
// it back. A service in Python has registered once and knows of nothing; one in Go sees to its name by itself.
func TestNameServersTakeEachOthersPlace(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		location := "127.0.0.1:" + strconv.Itoa(freePort(t))
		_, port := split(t, location)
		spec := "sql:" + filepath.Join(t.TempDir(), "names.db")
		python := func() (stop func()) { return peers.NameServer(t, d, "-p", strconv.Itoa(port), "-s", spec).Stop }

		stop := python()
		echo := peers.EchoServer(t, d)
		c, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
		require.NoError(t, err)
		require.NoError(t, c.Register(t.Context(), "in.python", parse(t, echo.URIs["uri"]), false, "echo"))
		require.NoError(t, c.Close())
		serve(t, service.New("in.go").Method("echo", func(text string) string { return text }),
			service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
		callBoth := func(when string) {
			for _, name := range []string{"in.python", "in.go"} {
				p, err := service.Connect("PYRONAME:"+name+"@"+location, service.LookupDelay(soon))
				require.NoError(t, err)
				said, err := service.Call[string](t.Context(), p, "echo", when)
				require.NoError(t, err, "%s %s", name, when)
				require.Equal(t, when, said)
				require.NoError(t, p.Close())
			}
		}
		callBoth("at Python's")
		stop()
		stop = goNamesAt(t, location, spec)
		callBoth("at ours")
		stop()
		python()
		callBoth("at Python's again")
	})
}

// goNamesAt starts a Go name server at HOST:PORT with a storage.
func goNamesAt(t *testing.T, location, spec string) (stop func()) {
	t.Helper()
	store, err := open.Storage(spec)
	require.NoError(t, err)
	ns := goserver.New(goserver.Listen("tcp", location), goserver.Storage(store))
	require.NoError(t, ns.Start(t.Context()))
	return func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, ns.Shutdown(ctx))
		require.NoError(t, store.Close())
	}
}
