//go:build integration

package integration

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/service/config/program"
)

// runProgram runs a configuration until the test ends, and returns where it answers.
func runProgram(t *testing.T, path string) (*program.Program, map[string]string) {
	t.Helper()
	ready := make(chan []program.Address, 1)
	p, err := program.New([]string{path}, program.Streams(io.Discard, io.Discard),
		program.OnReady(func(at []program.Address) { ready <- at }))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	at := map[string]string{}
	select {
	case all := <-ready:
		for _, a := range all {
			at[a.What] = a.URI
		}
	case err := <-ended:
		ended <- nil
		require.NoError(t, err)
	}
	return p, at
}

// A server from configuration, with TLS, tokens and a rate limit, is called from Python; then its limit, its token and its
// services change under it.
func TestPythonCallsAServerFromConfiguration(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	own := newParty(t, ca.Issue(t), ca)
	text := `
log: {level: error}
server:
  listeners: [{address: "localhost:0"}]
  tls: {cert: ` + own.cert + `, key: ` + own.key + `, key_password: {value: "` + keyPassword + `"}}
  chain:
    - recovery
    - correlation
    - token_auth: {principals: {shop: {value: sesame}}}
    - rate_limit: {rules: [{calls: example.echo.nan, burst: 2, per: [principal]}]}
services:
  - name: example.echo
    echo: {}
  - name: example.facts
    static: {methods: {limits: {most: 10, names: [a, b]}}, attributes: {version: "1.2"}}
`
	client := `
from importlib import import_module
config = import_module({"pyro4": "Pyro4", "pyro5": "Pyro5"}[sys.argv[1].lower()]).config
config.SSL = True
config.SSL_CACERTS = ` + strconv.Quote(own.cas) + `
facts_uri = uri.replace("example.echo", "example.facts")
seen = []
with Proxy(uri) as p:
    p._pyroHandshake = "TOKEN"
    seen.append(outcome(lambda: p.echo([1, "x", None])))
    seen.append(outcome(lambda: [str(p.nan()), str(p.nan())]))
    seen.append(outcome(lambda: p.nan())[0])
    seen.append(outcome(lambda: list(p.generator())))
with Proxy(facts_uri) as p:
    p._pyroHandshake = "TOKEN"
    seen.append(outcome(lambda: [p.limits(), p.version]))
with Proxy(uri) as p:
    p._pyroHandshake = "wrong"
    seen.append(outcome(lambda: p.echo(1))[0])
print(json.dumps(seen))
`
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		path := filepath.Join(t.TempDir(), "site.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		p, _ := runProgram(t, path)
		uri := p.Server().URI("example.echo").String()
		facts := []any{map[string]any{"most": 10.0, "names": []any{"a", "b"}}, "1.2"}
		require.Equal(t, []any{
			[]any{1.0, "x", nil},
			[]any{"nan", "nan"},
			"RuntimeError",
			[]any{"one", "two", "three"},
			facts, "CommunicationError",
		}, python[[]any](t, d, uri, strings.ReplaceAll(client, "TOKEN", "sesame")))

		changed := strings.NewReplacer("burst: 2", "burst: 3", "{value: sesame}", "{value: tulip}", "most: 10", "most: 20").Replace(text)
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
		report, err := p.Reload()
		require.NoError(t, err)
		require.Empty(t, report.NeedsRestart)
		facts[0].(map[string]any)["most"] = 20.0
		require.Equal(t, []any{
			[]any{1.0, "x", nil},
			[]any{"nan", "nan"},
			"nan",
			[]any{"one", "two", "three"},
			facts, "CommunicationError",
		}, python[[]any](t, d, uri, strings.NewReplacer(
			"TOKEN", "tulip", "seen.append(outcome(lambda: p.nan())[0])", "seen.append(outcome(lambda: str(p.nan())))",
		).Replace(client)))
	})
}

// A program whose services are announced at the name server beside them is found from Python by name.
func TestPythonFindsAServerFromConfigurationByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
log: {level: error}
name_server: {server: {listeners: [{address: "localhost:0"}]}}
`), 0o600))
	_, at := runProgram(t, path)
	_, names, _ := strings.Cut(at["ns"], "@")
	path = filepath.Join(t.TempDir(), "site.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
log: {level: error}
server:
  listeners: [{address: "localhost:0"}]
  announce: [{directory: {name_server: {addresses: ["`+names+`"]}}}]
services: [{name: example.echo, metadata: [echoes], echo: {}}]
`), 0o600))
	runProgram(t, path)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		require.Equal(t, "hello", python[any](t, d, "PYRONAME:example.echo@"+names, `
for attempt in range(100):
    try:
        with Proxy(uri) as p:
            print(json.dumps(p.echo("hello")))
        break
    except Exception:
        time.sleep(0.1)  # it is announced in the background
`))
	})
}
