package admin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/service/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// whole has everything.
func whole() admin.Config {
	return admin.Config{
		Ready:    func(context.Context) []admin.Check { return []admin.Check{{Name: "server"}} },
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a_metric 1\n") }),
		Config:   func(w io.Writer) error { _, err := io.WriteString(w, "log: {}\n"); return err },
		Profiles: true,
	}
}

// A request is one from this machine unless it says otherwise.
type request struct {
	method, path, remote, host string
	header                     map[string]string
}

func (r request) send(cfg admin.Config) (status int, body string) {
	if r.method == "" {
		r.method = http.MethodGet
	}
	if r.remote == "" {
		r.remote = "127.0.0.1:50000"
	}
	if r.host == "" {
		r.host = "localhost:9180"
	}
	req := httptest.NewRequestWithContext(context.Background(), r.method, r.path, http.NoBody)
	req.RemoteAddr, req.Host = r.remote, r.host
	for key, value := range r.header {
		req.Header.Set(key, value)
	}
	w := httptest.NewRecorder()
	admin.Handler(cfg).ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func TestWhoGetsWhat(t *testing.T) {
	remote := func(c *admin.Config) { c.AllowRemote = true }
	token := func(c *admin.Config) { c.Authorized = func(s string) bool { return s == "right" } }
	none := func(*admin.Config) {}
	const far = "192.0.2.7:1234"
	tests := []struct {
		request

		name   string
		config func(*admin.Config)
		status int
	}{
		{request{path: "/healthz"}, "liveness", none, 200},
		{request{path: "/readyz"}, "readiness", none, 200},
		{request{path: "/metrics"}, "metrics", none, 200},
		{request{path: "/configz"}, "configuration", none, 200},
		{request{path: "/"}, "index", none, 200},
		{request{path: "/debug/pprof/"}, "profiles", none, 200},
		{request{method: http.MethodPost, path: "/debug/pprof/symbol"}, "symbols", none, 200},
		{request{method: http.MethodHead, path: "/healthz"}, "HEAD", none, 200},
		{request{method: http.MethodPost, path: "/healthz"}, "POST", none, 405},
		{request{method: http.MethodDelete, path: "/configz"}, "DELETE", none, 405},
		{request{path: "/nothing"}, "nothing there", none, 404},

		{request{path: "/healthz", remote: far}, "another machine", none, 403},
		{request{path: "/metrics", remote: far, host: "h:9180"}, "another machine that is let in", remote, 200},
		{request{path: "/debug/pprof/heap", remote: far}, "profiles for another machine", remote, 403},
		{request{path: "/debug/pprof/", remote: "[::1]:5", host: "[::1]:9180"}, "profiles for IPv6", remote, 200},
		{request{path: "/debug/pprof/", remote: far, host: "localhost"}, "a machine that says it is this one", remote, 403},
		{request{path: "/metrics", host: "evil.example.org:9180"}, "a name made one of this machine", none, 403},
		{request{path: "/debug/pprof/", host: "evil.example.org"}, "profiles by such a name", remote, 403},
		{request{path: "/debug/pprof/", header: map[string]string{"X-Forwarded-For": "192.0.2.7"}}, "profiles through a proxy here", remote, 403},
		{request{path: "/debug/pprof/", header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, "profiles for a page", none, 403},
		{request{path: "/debug/pprof/", header: map[string]string{"Sec-Fetch-Site": "none"}}, "profiles in a browser", none, 200},
		{request{path: "/healthz", remote: "@"}, "no address at all", none, 403},

		{request{path: "/metrics"}, "no token", token, 401},
		{request{path: "/configz", header: map[string]string{"Authorization": "Bearer wrong"}}, "a wrong token", token, 401},
		{request{path: "/configz", header: map[string]string{"Authorization": "Basic right"}}, "another scheme", token, 401},
		{request{path: "/configz", header: map[string]string{"Authorization": "bearer right"}}, "the right token", token, 200},
		{request{path: "/debug/pprof/"}, "profiles without the token", token, 401},
		{request{path: "/healthz"}, "liveness without the token", token, 200},
		{request{path: "/readyz"}, "readiness without the token", token, 200},

		{request{path: "/debug/pprof/"}, "no profiles", func(c *admin.Config) { c.Profiles = false }, 404},
		{request{path: "/metrics"}, "no metrics", func(c *admin.Config) { c.Metrics = nil }, 404},
		{request{path: "/configz"}, "no configuration", func(c *admin.Config) { c.Config = nil }, 404},
		{request{path: "/configz"}, "a configuration that cannot be shown", func(c *admin.Config) {
			c.Config = func(io.Writer) error { return errors.New("no") }
		}, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := whole()
			tt.config(&cfg)
			status, body := tt.send(cfg)
			require.Equal(t, tt.status, status, body)
		})
	}
}

func TestReadiness(t *testing.T) {
	cfg := whole()
	var down error
	cfg.Ready = func(context.Context) []admin.Check {
		return []admin.Check{{Name: "server"}, {Name: "database", Err: down}}
	}
	cfg.Authorized = func(s string) bool { return s == "right" }
	status, body := request{path: "/readyz"}.send(cfg)
	require.Equal(t, 200, status)
	require.Equal(t, "ok\n", body)

	down = errors.New("connection refused")
	status, body = request{path: "/readyz"}.send(cfg)
	require.Equal(t, 503, status)
	require.Equal(t, "not ready\n", body)
	status, body = request{path: "/readyz?verbose"}.send(cfg)
	require.Equal(t, 503, status)
	require.Equal(t, "not ready\n", body, "why is for those with a token")
	status, body = request{path: "/readyz?verbose", header: map[string]string{"Authorization": "Bearer right"}}.send(cfg)
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"ready": false, "checks": [{"name": "server", "ready": true},
		{"name": "database", "ready": false, "error": "connection refused"}]}`, body)

	status, body = request{path: "/readyz?verbose"}.send(admin.Config{})
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"ready": true, "checks": []}`, body)
}

func TestListen(t *testing.T) {
	for _, address := range []string{"nothing", "0.0.0.0:0", ":0", "192.0.2.1:0"} {
		_, err := admin.Listen(t.Context(), address, admin.Config{})
		require.ErrorContains(t, err, address)
	}
	s, err := admin.Listen(t.Context(), "localhost:0", whole())
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		require.NoError(t, err)
		answer, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	body, err := get(s.URL() + "/metrics")
	require.NoError(t, err)
	require.Equal(t, "a_metric 1\n", body)
	require.NoError(t, s.Shutdown(t.Context()))
	_, err = get(s.URL() + "/healthz")
	require.Error(t, err)

	s, err = admin.Listen(t.Context(), ":0", admin.Config{AllowRemote: true})
	require.NoError(t, err)
	host, _, err := net.SplitHostPort(s.URL()[len("http://"):])
	require.NoError(t, err)
	require.True(t, net.ParseIP(host).IsUnspecified())
	require.NoError(t, s.Shutdown(t.Context()))
}
