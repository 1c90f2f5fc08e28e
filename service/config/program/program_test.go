package program_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/config/program"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A buffer may be written and read at the same time.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A running program is one that runs in this process.
type running struct {
	*program.Program

	t     *testing.T
	file  string
	log   *buffer
	ready map[string][]string // URIs
	end   func() error        // ends it, and returns what Run has returned
}

func write(t *testing.T, file, text string) {
	t.Helper()
	next := file + ".next"
	require.NoError(t, os.WriteFile(next, []byte(text), 0o600))
	require.NoError(t, os.Rename(next, file)) // as editors do it
}

// run runs a configuration until the test ends.
func run(t *testing.T, text string, prepare ...func(*program.Program)) *running {
	t.Helper()
	return runWith(t, text, nil, prepare...)
}

func runWith(t *testing.T, text string, opts []program.Option, prepare ...func(*program.Program)) *running {
	t.Helper()
	r := &running{t: t, file: filepath.Join(t.TempDir(), "site.yaml"), log: &buffer{}, ready: map[string][]string{}}
	write(t, r.file, text)
	started := make(chan struct{})
	var err error
	r.Program, err = program.New([]string{r.file}, append(opts, program.Streams(r.log, r.log), program.OnReady(func(at []program.Address) {
		for _, a := range at {
			r.ready[a.What] = append(r.ready[a.What], a.URI)
		}
		close(started)
	}))...)
	require.NoError(t, err)
	for _, p := range prepare {
		p(r.Program)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = r.Run(ctx)
	}()
	r.end = func() error {
		cancel()
		<-ended
		return failed
	}
	t.Cleanup(func() { require.NoError(t, r.end(), r.log) })
	select {
	case <-started:
	case <-ended:
		require.NoError(t, failed)
	}
	return r
}

// get asks the admin listener.
func (r *running) get(path string, header ...string) (status int, body string) {
	r.t.Helper()
	return get(r.t, r.ready["admin"][0]+path, header...)
}

func get(t *testing.T, url string, header ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// call calls an object of the server.
func (r *running) call(object, method string, args ...any) (any, error) {
	return service.Call[any](r.t.Context(), r.connect(object), method, args...)
}

func (r *running) connect(object string, opts ...service.ProxyOption) *service.Proxy {
	r.t.Helper()
	p, err := service.Connect(r.Server().URI(object).String(), opts...)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = p.Close() })
	return p
}

const everything = `
log: {level: debug}
admin: {address: "localhost:0"}
name_server:
  server: {listeners: [{address: "localhost:0"}]}
server:
  listeners: [{address: "localhost:0"}, {address: "127.0.0.1:0"}]
  chain: [recovery, correlation, metrics, logging]
services:
  - name: example.echo
    echo: {}
  - name: example.facts
    metadata: [facts]
    static:
      methods: {version: "1.2", limits: {most: 10, ratio: 0.5, names: [a, b]}}
      attributes: {answer: 42}
`

func TestAProgramHasWhatItsConfigurationSays(t *testing.T) {
	r := run(t, everything)
	require.Len(t, r.ready["ns"], 1)
	require.Len(t, r.ready["server"], 4)
	v, err := r.call("example.echo", "echo", "hello")
	require.NoError(t, err)
	require.Equal(t, "hello", v)
	v, err = r.call("example.facts", "limits")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"most": int64(10), "ratio": 0.5, "names": []any{"a", "b"}}, v)
	answer, err := service.Get[int](t.Context(), r.connect("example.facts"), "answer")
	require.NoError(t, err)
	require.Equal(t, 42, answer)
	p, err := service.Connect(r.ready["ns"][0])
	require.NoError(t, err)
	defer p.Close()
	require.NoError(t, p.Ping(t.Context()))

	status, body := r.get("/readyz?verbose")
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"name":"name_server","ready":true`)
	require.Contains(t, body, `"name":"service example.echo","ready":true`)
	_, body = r.get("/metrics")
	for _, want := range []string{
		`pyro_calls_total{code="ok",dialect="pyro5",kind="invoke",method="echo",object="example.echo",side="server"} 1`,
		`pyro_server_connections{server="name_server"} `, `pyro_server_connections{server="server"} `, "pyro_nameserver_entries 1", "go_goroutines ", "process_open_fds ",
		"pyrokit_config_last_reload_successful 1",
	} {
		require.Contains(t, body, want)
	}
	_, body = r.get("/configz")
	require.Contains(t, body, "site.yaml:")
	status, _ = r.get("/debug/pprof/goroutine?debug=1")
	require.Equal(t, 200, status)
	require.Contains(t, r.log.String(), "example.echo")
}

func TestAProgramWithServicesOfItsOwn(t *testing.T) {
	r := run(t, "admin: {address: 'localhost:0'}\nlog: {level: warn}\n", func(p *program.Program) {
		require.NoError(t, p.Server().Add(service.New("own").Method("double", func(n int) int { return 2 * n })))
	})
	v, err := r.call("own", "double", 21)
	require.NoError(t, err)
	require.Equal(t, int64(42), v)
	require.NotEmpty(t, r.ready["server"])
	_, err = r.Proxy("stock")
	require.ErrorContains(t, err, "proxy stock: the configuration has none of this name")
}

func TestAProgramThatRunsWithoutAServerHasNone(t *testing.T) {
	r := run(t, "admin: {address: 'localhost:0'}\n")
	require.Nil(t, r.Server(), "nothing would run it")
	require.Nil(t, r.Config().GetServer())
}

func TestAListenerWithoutTLSBesideOnesThatSpeakIt(t *testing.T) {
	dir, pair := t.TempDir(), certtest.SelfSigned(t)
	cert := certtest.Write(t, filepath.Join(dir, "cert.pem"), pair.CertPEM)
	key := certtest.Write(t, filepath.Join(dir, "key.pem"), pair.KeyPEM)
	r := run(t, strings.NewReplacer("TLS", "tls: {cert: "+cert+", key: "+key+"}").Replace(`
server: {TLS, listeners: [{address: '127.0.0.1:0'}, {address: '127.0.0.1:0', no_tls: true}]}
services: [{name: o, echo: {}}]
name_server: {server: {TLS, listeners: [{address: '127.0.0.1:0', no_tls: true}]}, broadcast: {disabled: true}}
`))
	require.Len(t, r.ready["server"], 2)
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	secured := service.TLS(&tls.Config{RootCAs: roots})
	ping := func(uri string, opts ...service.ProxyOption) error {
		p, err := service.Connect(uri, opts...)
		require.NoError(t, err)
		defer p.Close()
		return p.Ping(t.Context())
	}
	require.NoError(t, ping(r.ready["server"][0], secured))
	require.Error(t, ping(r.ready["server"][0]))
	require.NoError(t, ping(r.ready["server"][1]))
	require.NoError(t, ping(r.ready["ns"][0]))
}

func TestAMiddlewareOfOnesOwn(t *testing.T) {
	registry := config.Default()
	require.NoError(t, config.Register(registry, "closed", func(m *wrapperspb.StringValue, _ middleware.Env) (transport.Middleware, error) {
		return transport.Middleware{Call: func(transport.Endpoint) transport.Endpoint {
			return func(context.Context, *transport.Call) (*transport.Reply, error) {
				return nil, middleware.Refusal(transport.CodeUnavailable, 0, m.GetValue())
			}
		}}, nil
	}))
	r := runWith(t, "server: {chain: [{closed: {value: for the day}}]}\nservices: [{name: e, echo: {}}]\n",
		[]program.Option{program.Middlewares(registry)})
	_, err := r.call("e", "echo", "x")
	require.ErrorContains(t, err, "for the day")
}

// What a program logs, measures and traces itself goes where its middlewares have it go.
func TestLogMetricsAndTracesOfOnesOwn(t *testing.T) {
	c := newCollector(t)
	r := run(t, "admin: {address: 'localhost:0'}\ntraces: {endpoint: '"+c.URL+"'}\n")
	r.Log().Warn("of its own")
	require.Contains(t, r.log.String(), "of its own")
	sold := prometheus.NewCounter(prometheus.CounterOpts{Name: "shop_sold_total", Help: "Sold."})
	r.Metrics().MustRegister(sold)
	sold.Inc()
	_, body := r.get("/metrics")
	require.Contains(t, body, "\nshop_sold_total 1\n")
	_, span := r.Tracing().Tracer("shop").Start(t.Context(), "stocktaking")
	span.End()
	require.NoError(t, r.end())
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(t, c.requests, 1)
	require.Equal(t, "stocktaking", c.requests[0].GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName())
}

func TestOptionsThatOnlyCodeHas(t *testing.T) {
	var judged atomic.Int64
	judge := service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
		judged.Add(1)
		var said string
		if err := h.Value.Decode(&said); err != nil || said != "sesame" {
			return nil, fmt.Errorf("want sesame, found %q: %w", said, err)
		}
		return nil, nil //nolint:nilnil // the usual answer
	})
	for _, text := range []string{"services: [{name: e, echo: {}}]\n", "log: {}\n"} { // with a server of the configuration and without
		r := runWith(t, text, []program.Option{program.ServerOptions(judge)}, func(p *program.Program) {
			require.NoError(t, p.Server().Add(service.New("own").Method("v", func() int { return 7 })))
		})
		before := judged.Load()
		proxy := "proxies: {p: {uri: '" + r.Server().URI("own").String() + "'}}\n"
		with := runWith(t, proxy, []program.Option{program.ProxyOptions(service.Handshake("sesame"))})
		p, err := with.Proxy("p")
		require.NoError(t, err)
		v, err := service.Call[int](t.Context(), p, "v")
		require.NoError(t, err)
		require.Equal(t, 7, v)
		require.Equal(t, before+1, judged.Load())
	}
}

func TestProxiesOfAConfiguration(t *testing.T) {
	target := run(t, everything)
	r := run(t, "proxies:\n  echo: {uri: '"+target.Server().URI("example.echo").String()+"', chain: [correlation, {timeout: {default: 5s}}]}\n")
	p, err := r.Proxy("echo")
	require.NoError(t, err)
	again, err := r.Proxy("echo")
	require.NoError(t, err)
	require.Same(t, p, again)
	v, err := service.Call[string](t.Context(), p, "echo", "x")
	require.NoError(t, err)
	require.Equal(t, "x", v)
	require.NoError(t, r.end())
	_, err = service.Call[string](context.Background(), p, "echo", "x")
	require.Error(t, err, "it is closed with the program")
}

func TestACallerMayEndAnEchoServerThatSaysSo(t *testing.T) {
	r := run(t, "services: [{name: e, echo: {allow_shutdown: true}}]")
	_, err := r.call("e", "shutdown")
	require.NoError(t, err)
	<-r.Server().Done()
	require.NoError(t, r.end())
}

func TestWhatCannotBeStartedIsNamedWithItsPlace(t *testing.T) {
	there := run(t, everything)
	taken := strings.TrimPrefix(there.ready["admin"][0], "http://")
	tests := map[string]struct{ text, want string }{
		"listener": {
			"server:\n  listeners:\n    - {address: \"localhost:0\"}\n    - {address: \"" + taken + "\"}\n",
			"server.listeners[1].address: listen on tcp",
		},
		"admin":       {"admin:\n  address: " + taken + "\n", "site.yaml:2:12: admin.address: "},
		"name server": {"name_server:\n  server:\n    listeners: [{address: \"" + taken + "\"}]\n", "site.yaml:3:27: name_server.server.listeners[0].address: listen on tcp"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "site.yaml")
			write(t, file, tt.text)
			p, err := program.New([]string{file}, program.Streams(io.Discard, io.Discard))
			require.NoError(t, err)
			err = p.Run(t.Context())
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAProgramRunsOnce(t *testing.T) {
	r := run(t, "services: [{name: e, echo: {}}]")
	require.ErrorContains(t, r.Run(t.Context()), "the program was run before")
	require.NoError(t, r.end())
	_, err := r.Reload()
	require.ErrorContains(t, err, "not running")
}

func TestAProgramThatIsNotRunHasToBeClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.yaml")
	write(t, file, everything+"traces: {}\nproxies: {p: {uri: 'PYRO:o@localhost:1'}}\n")
	p, err := program.New([]string{file}, program.Streams(io.Discard, io.Discard))
	require.NoError(t, err)
	_, err = p.Reload()
	require.ErrorContains(t, err, "not running")
	require.NoError(t, p.Close())
}

// Who asks while calls are finished is told that no new ones are wanted.
func TestAProgramThatStopsIsNotReady(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	r := run(t, "admin: {address: 'localhost:0'}\nname_server: {server: {listeners: [{}]}}\nlog: {level: warn}\n", func(p *program.Program) {
		require.NoError(t, p.Server().Add(service.New("own").Method("wait", func() { entered <- struct{}{}; <-release })))
	})
	status, _ := r.get("/readyz")
	require.Equal(t, 200, status)
	p := r.connect("own")
	waiting := service.Go[any](t.Context(), p, "wait")
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- r.end() }()
	<-r.Server().Stopping()
	status, body := r.get("/readyz?verbose")
	require.Equal(t, 503, status)
	require.Contains(t, body, "it is stopping")
	require.Contains(t, body, "NOT_SERVING")
	status, _ = r.get("/healthz")
	require.Equal(t, 200, status, "it lives")
	close(release)
	_, err := waiting.Wait(t.Context())
	require.NoError(t, err, "the call is finished")
	require.NoError(t, <-ended)
}

func TestWarningsOfAConfigurationAreLogged(t *testing.T) {
	r := run(t, "server: {chain: [logging, recovery, correlation]}\nservices: [{name: e, echo: {}}]\n")
	require.Contains(t, r.log.String(), "the configuration works, but")
}
