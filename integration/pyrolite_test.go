//go:build integration

package integration

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// An attempt is what Java programs do with a server that is set up for it, in Python and in Go.
type attempt struct {
	name       string
	serializer string
	python     []string // arguments of the Python service
	serve      []service.ServerOption
	do         []string // as Caller.java has them
}

// attempts returns what programs with the dialect's line of Pyrolite do.
func attempts(d peers.Dialect) []attempt {
	all := []attempt{
		{name: "serpent", serializer: "serpent", do: []string{"values", "calls", "objects", "big"}},
		{
			name: "compressed", serializer: "serpent", do: []string{"big"},
			python: []string{"--config", "COMPRESSION=True"}, serve: []service.ServerOption{service.Compression()},
		},
		{
			name: "handshake", serializer: "serpent", do: []string{"handshake"},
			python: []string{"--handshake", "['let', 'me', 'in']"}, serve: []service.ServerOption{service.ValidateHandshake(letMeIn)},
		},
	}
	if d == peers.Pyro5 {
		return all
	}
	return append(all,
		attempt{name: "called back", serializer: "serpent", do: []string{"callback"}},
		attempt{
			name: "pickle", serializer: "pickle", do: []string{"values", "calls", "big"},
			// What speaks pickles of version 2 could be Python 2 and is answered in them, as by such a daemon.
			python: append(everySerializer(d), "--config", "PICKLE_PROTOCOL_VERSION=2"), serve: []service.ServerOption{service.Serializers("serpent", "pickle")},
		},
		attempt{
			name: "keys", serializer: "serpent", do: []string{"keys"},
			python: []string{"--hmac", "secret"}, serve: []service.ServerOption{service.HMACKey("secret")},
		})
}

// letMeIn judges as the Python service with --handshake does.
func letMeIn(_ context.Context, h *transport.Handshake) (any, error) {
	said, err := h.Value.Any()
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(said, []any{"let", "me", "in"}) {
		return nil, fmt.Errorf("handshake refused: %v", said)
	}
	return []any{"welcome", said}, nil
}

// Java programs, which use Pyrolite, see no difference between servers in Go and in Python: one program says what it sees of
// both.
func TestPyroliteSeesNoDifference(t *testing.T) {
	names := goNames(t) // one for both lines
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		java, err := peers.CompilePyrolite(t.Context(), d, t.TempDir())
		require.NoError(t, err)
		run := func(t *testing.T, serializer, location string, do ...string) string {
			t.Helper()
			out, err := java.Run(within(t, 2*soon), append([]string{serializer, location}, do...)...)
			require.NoError(t, err, out)
			return out
		}
		for _, a := range attempts(d) {
			t.Run(a.name, func(t *testing.T) {
				python := parse(t, peers.Service(t, d, a.python...).URIs["svc"])
				srv := servePyrolite(t, a.serve...)
				require.Equal(t, run(t, a.serializer, python.Location(), a.do...), run(t, a.serializer, srv, a.do...))
			})
		}
		t.Run("name server", func(t *testing.T) {
			want := strings.ReplaceAll(run(t, "serpent", pythonNames(t, d), "names"), nameServerClasses[d], allNameServerClasses)
			require.Equal(t, want, run(t, "serpent", names, "names"))
		})
		if d == peers.Pyro5 {
			// Python misreads the state of Pyrolite's proxies, and cannot call them.
			t.Run("called back", func(t *testing.T) {
				require.Contains(t, run(t, "serpent", servePyrolite(t), "callback"), `called back -> Integer "1"`)
			})
		}
	})
}

// servePyrolite serves what Java calls, and returns the location.
func servePyrolite(t *testing.T, opts ...service.ServerOption) string {
	t.Helper()
	srv := serveOn(t, pyroliteServices(), append(opts, service.Listen("tcp", "127.0.0.1:0"))...)
	return srv.URI("svc").Location()
}

// The metadata of a Python name server's own name is its class, ours has both.
const allNameServerClasses = `"class:Pyro4.naming.NameServer", "class:Pyro5.nameserver.NameServer"`

var nameServerClasses = map[peers.Dialect]string{
	peers.Pyro4: `"class:Pyro4.naming.NameServer"`,
	peers.Pyro5: `"class:Pyro5.nameserver.NameServer"`,
}
