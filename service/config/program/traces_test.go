package program_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/service/config/program"
)

// A collector keeps the traces that it is sent.
type collector struct {
	*httptest.Server

	mu       sync.Mutex
	headers  http.Header
	path     string
	requests []*coltrace.ExportTraceServiceRequest
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unzipped
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		request := &coltrace.ExportTraceServiceRequest{}
		if err := proto.Unmarshal(data, request); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.headers, c.path, c.requests = r.Header, r.URL.Path, append(c.requests, request)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func TestTracesAreSentToACollector(t *testing.T) {
	c := newCollector(t)
	text := `
traces:
  endpoint: "` + c.URL + `"
  service_name: quotes
  resource: {deployment.environment.name: test}
  headers: {x-key: {value: hidden-key}}
server: {chain: [tracing]}
services: [{name: example.echo, echo: {}}]
`
	r := run(t, text)
	_, err := r.call("example.echo", "echo", "x")
	require.NoError(t, err)
	require.NoError(t, r.end(), "what is left is sent at the end")

	c.mu.Lock()
	defer c.mu.Unlock()
	require.Equal(t, "/v1/traces", c.path)
	require.Equal(t, "hidden-key", c.headers.Get("X-Key"))
	require.Len(t, c.requests, 1)
	about := c.requests[0].GetResourceSpans()[0]
	said := map[string]string{}
	for _, a := range about.GetResource().GetAttributes() {
		said[a.GetKey()] = a.GetValue().GetStringValue()
	}
	require.Equal(t, "quotes", said["service.name"])
	require.Equal(t, "test", said["deployment.environment.name"])
	require.Contains(t, about.GetScopeSpans()[0].GetSpans()[0].GetName(), "echo")
}

func TestTracesThatAreNotKept(t *testing.T) {
	c := newCollector(t)
	r := run(t, "traces: {endpoint: '"+c.URL+"', ratio: 0}\nserver: {chain: [tracing]}\nservices: [{name: e, echo: {}}]\n")
	_, err := r.call("e", "echo", "x")
	require.NoError(t, err)
	require.NoError(t, r.end())
	require.Empty(t, c.requests)
}

func TestACollectorThatIsNotThereIsLogged(t *testing.T) {
	c := newCollector(t)
	gone := c.URL
	c.Close()
	r := run(t, "traces: {endpoint: '"+gone+"'}\nserver: {chain: [tracing]}\nservices: [{name: e, echo: {}}]\n")
	_, err := r.call("e", "echo", "x")
	require.NoError(t, err)
	_ = r.end() // says that there was no time for it
	require.Contains(t, r.log.String(), "traces could not be sent")
}

func TestWrongExports(t *testing.T) {
	for text, want := range map[string]string{
		`{endpoint: "http://user:secret-word@h:1"}`:            "traces.endpoint: want no user and password",
		`{tls: {ca: [x.pem]}}`:                                 "traces.tls: endpoint is no https:// URL",
		`{endpoint: "https://h", tls: {ca: [/nothing/there]}}`: "traces.tls: stat /nothing/there",
		`{headers: {a: {env: PYROKIT_NO_SUCH}}}`:               "the variable PYROKIT_NO_SUCH is empty or not set",
	} {
		file := filepath.Join(t.TempDir(), "site.yaml")
		write(t, file, "traces: "+text)
		_, err := program.New([]string{file}, program.Streams(io.Discard, io.Discard))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret-word")
	}
}

// No value of a secret is told by anything.
func TestSecretsStaySecret(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	write(t, file, "secret-in-a-file")
	t.Setenv("PROGRAM_TEST_SECRET", "secret-in-a-variable")
	c := newCollector(t)
	text := `
log: {level: debug}
admin: {address: "localhost:0", token: {value: secret-that-stands-here}}
traces: {endpoint: "` + c.URL + `", headers: {x: "${PROGRAM_TEST_SECRET}"}}
server:
  hmac_key: "${file:` + file + `}"
  allow_unsigned_pyro5: true
  chain: [logging, {token_auth: {principals: {a: {value: secret-of-the-chain}, b: "${PROGRAM_TEST_SECRET}", c: {file: ` + file + `}}}}]
services: [{name: e, echo: {}}]
`
	r := run(t, text)
	_, err := r.call("e", "echo", "x")
	require.Error(t, err)
	token := []string{"Authorization", "Bearer secret-that-stands-here"}
	var told strings.Builder
	told.WriteString(err.Error())
	for _, path := range []string{"/", "/configz", "/metrics", "/readyz?verbose", "/debug/pprof/cmdline"} {
		status, body := r.get(path, token...)
		require.Equal(t, 200, status)
		told.WriteString(body)
	}
	require.Contains(t, told.String(), "***")
	for _, wrong := range []string{
		text + "nothing: 1\n",
		strings.Replace(text, "chain: [", "chain: [{token_auth: {principals: {d: {env: secret-that-is-not-there}}}}, ", 1),
		strings.Replace(text, "{value: secret-that-stands-here}", "{value: secret-that-stands-here, env: X}", 1),
	} {
		write(t, r.file, wrong)
		_, err = r.Reload()
		require.Error(t, err)
		told.WriteString(strings.ReplaceAll(err.Error(), "secret-that-is-not-there", ""))
	}
	r.reload(strings.Replace(text, "secret-of-the-chain", "secret-that-came-later", 1))
	told.WriteString(strings.ReplaceAll(r.log.String(), "secret-that-is-not-there", ""))
	require.NotRegexp(t, "secret-(in|of|that)", told.String())
}
