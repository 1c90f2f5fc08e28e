//go:build integration

package integration

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

var matrixFile = flag.String("matrix.write", "", "write the matrix of features to this file")

// An actor is one of the three that the matrix pairs with each other.
type actor struct {
	name    string
	dialect peers.Dialect // 0: pyrokit, which speaks both
}

var parties = []actor{{"pyrokit", 0}, {"Pyro4", peers.Pyro4}, {"Pyro5", peers.Pyro5}}

// A pairing is a client and a server, and how both are set up for the feature that is tried.
type pairing struct {
	client, server actor
	setup          setup
}

// A setup is what a feature needs that peers do not have by default. Python's are arguments of the scripts in peers/.
type setup struct {
	serve  []service.ServerOption
	call   []service.ProxyOption
	server func(d peers.Dialect) []string
	client []string
	proxy  peers.Request // what proxies are made with
	names  string        // location of a name server
}

// A feature is a row of the matrix.
type feature struct {
	name  string
	setup func(t *testing.T) setup
	try   func(c matrixClient) error
	// excuse says why a pair cannot have it, by nobody's fault here; empty if it can.
	excuse func(client, server actor) string
}

const (
	wires      = "Pyro4 and Pyro5 speak different protocols (48 and 502) and refuse each other; pyrokit speaks both."
	onlyPyro4  = "Only Pyro4 has it."
	cellOK     = "ok"
	cellFailed = "FAILED"
)

// impossible returns why the feature is impossible between the two, or nothing.
func (f *feature) impossible(client, server actor) string {
	if client.dialect != 0 && server.dialect != 0 && client != server {
		return wires
	}
	if f.excuse != nil {
		return f.excuse(client, server)
	}
	return ""
}

// notFor returns the excuse of a feature that the dialect has not.
func notFor(d peers.Dialect, why string) func(client, server actor) string {
	return func(client, server actor) string {
		if client.dialect == d || server.dialect == d {
			return why
		}
		return ""
	}
}

// TestMatrix tries each feature between each pair. It fails where a pair that could have a feature has not.
func TestMatrix(t *testing.T) {
	m := &matrix{}
	defaults := map[actor]matrixServer{}
	clients := map[actor]*peers.Client{}
	for _, p := range parties {
		defaults[p] = startMatrixServer(t, p, setup{})
		if p.dialect != 0 {
			clients[p] = peers.NewClient(t, p.dialect)
		}
	}
	for _, f := range features() {
		servers, pythons, s := defaults, clients, setup{}
		if f.setup != nil {
			s = f.setup(t)
		}
		if f.setup != nil {
			servers = map[actor]matrixServer{}
		}
		if len(s.client) > 0 {
			pythons = map[actor]*peers.Client{}
		}
		row := m.row(f.name)
		for _, server := range parties {
			for _, client := range parties {
				if why := f.impossible(client, server); why != "" {
					row.put(client, server, "", why)
					continue
				}
				if _, ok := servers[server]; !ok {
					servers[server] = startMatrixServer(t, server, s)
				}
				if _, ok := pythons[client]; !ok && client.dialect != 0 {
					pythons[client] = peers.NewClient(t, client.dialect, s.client...)
				}
				c := newMatrixClient(t, pairing{client, server, s}, pythons[client], servers[server])
				if err := f.try(c); err != nil {
					t.Errorf("%s: %s calls %s: %v", f.name, client.name, server.name, err)
					row.put(client, server, cellFailed, "")
					continue
				}
				row.put(client, server, cellOK, "")
			}
		}
	}
	refuseEachOther(t, clients, defaults)
	t.Log("\n" + m.String())
	if *matrixFile != "" {
		require.NoError(t, os.WriteFile(*matrixFile, []byte(m.page()), 0o600))
		return
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "matrix.md"))
	require.NoError(t, err)
	require.Equal(t, string(page), m.page(), "docs/matrix.md is not what was found: run make matrix")
}

// refuseEachOther makes sure of the footnote about the two Pyros.
func refuseEachOther(t *testing.T, clients map[actor]*peers.Client, servers map[actor]matrixServer) {
	t.Helper()
	for _, client := range parties[1:] {
		for _, server := range parties[1:] {
			if client == server {
				continue
			}
			c := newMatrixClient(t, pairing{client: client, server: server}, clients[client], servers[server])
			require.Error(t, plainCall(c))
		}
	}
}

// matrix is the table.
type matrix struct {
	rows  []*matrixRow
	notes []string
}

type matrixRow struct {
	m     *matrix
	name  string
	cells map[[2]string]string
}

func (m *matrix) row(name string) *matrixRow {
	row := &matrixRow{m: m, name: name, cells: map[[2]string]string{}}
	m.rows = append(m.rows, row)
	return row
}

// put fills a cell: with what was found, or with the number of the note that says why it cannot be.
func (r *matrixRow) put(client, server actor, found, why string) {
	if why != "" {
		i := slices.Index(r.m.notes, why)
		if i < 0 {
			i = len(r.m.notes)
			r.m.notes = append(r.m.notes, why)
		}
		found = fmt.Sprintf("- (%d)", i+1)
	}
	r.cells[[2]string{client.name, server.name}] = found
}

// String returns the table as markdown, which is readable as it is.
func (m *matrix) String() string {
	var b strings.Builder
	b.WriteString("| client -> server |")
	pairs := [][2]string{}
	for _, server := range parties {
		for _, client := range parties {
			pairs = append(pairs, [2]string{client.name, server.name})
			fmt.Fprintf(&b, " %s -> %s |", client.name, server.name)
		}
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(pairs)) + "\n")
	for _, row := range m.rows {
		fmt.Fprintf(&b, "| %-22s |", row.name)
		for _, pair := range pairs {
			fmt.Fprintf(&b, " %-*s |", len(pair[0])+len(pair[1])+len(" -> "), row.cells[pair])
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for i, note := range m.notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, note)
	}
	return b.String()
}

func (m *matrix) page() string {
	return "# Who can do what with whom\n\n" +
		"Each feature was tried between each client and each server, real Pyro4 and real Pyro5 among them, by `make matrix`,\n" +
		"which writes this page; `make integration` fails when a run finds anything else. `ok` is what worked. `-` cannot be,\n" +
		"for the reason of that number.\n\n" + m.String()
}

// A matrixServer is one server with the objects "svc", "session", "single" and "percall".
type matrixServer struct{ uris map[string]string }

func startMatrixServer(t *testing.T, p actor, s setup) matrixServer {
	t.Helper()
	if p.dialect != 0 {
		args := []string{}
		if s.server != nil {
			args = s.server(p.dialect)
		}
		return matrixServer{peers.Service(t, p.dialect, args...).URIs}
	}
	opts := s.serve
	if len(opts) == 0 {
		opts = []service.ServerOption{service.Listen("tcp", "127.0.0.1:0")}
	}
	srv := serveOn(t, matrixServices(), opts...)
	uris := map[string]string{}
	for _, name := range []string{"svc", "session", "single", "percall"} {
		uris[name] = srv.URI(name).String()
	}
	return matrixServer{uris}
}

// matrixServices are in Go what the matrix asks of the Python services.
func matrixServices() []*service.Service {
	svc := newService()
	svc.Method("blob", func(b *service.SerializedBlob) ([]any, error) {
		var content any
		err := b.Decode(&content)
		return []any{b.Info(), content}, err
	})
	svc.Method("call_back", func(ctx context.Context, p *service.Proxy, method string, args ...any) (any, error) {
		defer p.Close()
		return service.Call[any](ctx, p, method, args...)
	})
	counter := &tally{}
	svc.Method("new_counter", func() *tally { return counter })
	opened := &resources{}
	svc.Method("open", func(ctx context.Context) error { return service.Track(ctx, opened) })
	svc.Method("resources_closed", opened.closed.Load)
	svc.Method("sleep", func(ctx context.Context, seconds float64) error {
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	newTally := func(context.Context) (*tally, error) { return &tally{}, nil }
	return []*service.Service{
		svc, service.Of(counter),
		service.PerSession(newTally).Named("session"), service.Single(newTally).Named("single"), service.PerCall(newTally).Named("percall"),
	}
}

// resources counts how often one was closed.
type resources struct{ closed atomic.Int64 }

func (r *resources) Close() error {
	r.closed.Add(1)
	return nil
}

// speaking has both ends use one serializer, which the server is told to accept.
func speaking(name string) func(*testing.T) setup {
	return func(*testing.T) setup {
		s := setup{
			call:   []service.ProxyOption{service.Serializer(name)},
			server: everySerializer,
			proxy:  peers.Request{Serializer: name},
		}
		s.serve = []service.ServerOption{
			service.Listen("tcp", "127.0.0.1:0"), service.Serializers("serpent", "json", "marshal", "msgpack", "pickle"),
		}
		return s
	}
}

func itemArgs(items ...string) func(peers.Dialect) []string {
	return func(peers.Dialect) []string { return flags(items...) }
}

func arguments(args ...string) func(peers.Dialect) []string {
	return func(peers.Dialect) []string { return args }
}

func compressed(*testing.T) setup {
	return setup{
		serve:  []service.ServerOption{service.Listen("tcp", "127.0.0.1:0"), service.Compression()},
		call:   []service.ProxyOption{service.Compression()},
		server: itemArgs("COMPRESSION=True"), client: flags("COMPRESSION=True"),
	}
}

func signed(*testing.T) setup {
	return setup{
		serve:  []service.ServerOption{service.Listen("tcp", "127.0.0.1:0"), service.HMACKey("secret")},
		call:   []service.ProxyOption{service.HMACKey("secret")},
		server: arguments("--hmac", "secret"), proxy: peers.Request{HMAC: "secret"},
	}
}

// greeted has the server refuse every handshake but the one that the client makes.
func greeted(*testing.T) setup {
	check := transport.Middleware{Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
		return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
			var said string
			if err := h.Value.Decode(&said); err != nil || said != "sesame" {
				return nil, fmt.Errorf("handshake refused: %q", said)
			}
			return next(ctx, h)
		}
	}}
	return setup{
		serve:  []service.ServerOption{service.Listen("tcp", "127.0.0.1:0"), service.Use(check)},
		call:   []service.ProxyOption{service.Handshake("sesame")},
		server: arguments("--handshake", "'sesame'"), proxy: peers.Request{Handshake: "'sesame'"},
	}
}

func onUnix(t *testing.T) setup {
	dir := t.TempDir()
	return setup{
		serve:  []service.ServerOption{service.Listen("unix", filepath.Join(dir, "go"))},
		server: func(d peers.Dialect) []string { return []string{"--unix", filepath.Join(dir, d.String())} },
	}
}

func onIPv6(*testing.T) setup {
	return setup{serve: []service.ServerOption{service.Listen("tcp", "[::1]:0")}, server: arguments("--host", "::1")}
}

// impatient proxies wait a moment for an answer, which is never enough for sleepers.
func impatient(*testing.T) setup {
	const moment = 500 * time.Millisecond
	return setup{call: []service.ProxyOption{service.Use(timeout.New(moment))}, proxy: peers.Request{Timeout: moment.Seconds()}}
}

// annotating daemons say something with every answer.
func annotating(*testing.T) setup {
	daemon := func() transport.Annotations {
		var a transport.Annotations
		a.Set("DMON", []byte("from the daemon"))
		return a
	}
	return setup{
		serve:  []service.ServerOption{service.Listen("tcp", "127.0.0.1:0"), service.Annotate(daemon)},
		server: arguments("--annotate"),
	}
}

// knownTo has servers register themselves at the name server of one of the parties.
func knownTo(p actor) func(t *testing.T) setup {
	return func(t *testing.T) setup {
		t.Helper()
		var names string
		if p.dialect == 0 {
			names = goNames(t)
		} else {
			names = pythonNames(t, p.dialect)
		}
		return setup{
			serve:  []service.ServerOption{service.Listen("tcp", "127.0.0.1:0"), service.Announce(nameserver.Registrar(pyro.DialConfig{}, names))},
			server: arguments("--ns", names),
			names:  names,
		}
	}
}

// throughTLS has TLS, with certificates on both sides.
func throughTLS(t *testing.T) setup {
	ca := certtest.NewCA(t, "ours")
	server, client := newParty(t, ca.Issue(t), ca), newParty(t, ca.Issue(t, named("client")), ca)
	cfg := server.config()
	cfg.RequireClientCert = true
	files, err := tlsfiles.New(cfg)
	require.NoError(t, err)
	config, err := files.Server()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return setup{
		serve:  []service.ServerOption{service.ListenOn(tls.NewListener(l, config))},
		call:   []service.ProxyOption{service.DialWith(client.files(t).Dialer(nil))},
		server: itemArgs(append(server.items("SERVER"), "SSL_REQUIRECLIENTCERT=True")...),
		client: flags(client.items("CLIENT")...),
	}
}
