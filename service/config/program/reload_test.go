package program_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
	"github.com/pyrokit/pyrokit/transport"
)

// patience is for what comes at once, on machines that are busy.
const patience = 30 * time.Second

// reload has the program read another configuration.
func (r *running) reload(text string) program.Report {
	r.t.Helper()
	write(r.t, r.file, text)
	report, err := r.Reload()
	require.NoError(r.t, err)
	return report
}

func TestWhatCanChangeWhileAProgramRuns(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.log"), filepath.Join(dir, "second.log")
	base := func(log, limits, chain, services, names string) string {
		return "log: {" + log + "}\nadmin: {address: 'localhost:0'}\nserver: {limits: {" + limits + "}, chain: [" + chain + "]}\n" +
			"services: [" + services + "]\nname_server: {server: {listeners: [{address: 'localhost:0'}], " + names + "}}\n" +
			"proxies: {p: {uri: 'PYRO:x@localhost:1', chain: [" + chain + "]}}\n"
	}
	const echo = "{name: e, echo: {}}"
	before := base("output: "+first, "max_calls: 5", "recovery", echo+", {name: s, static: {methods: {v: 1}}}", "limits: {max_calls: 5}")
	tests := map[string]struct {
		text string
		want []string
	}{
		"nothing":   {before, nil},
		"log level": {strings.Replace(before, "output:", "level: debug, output:", 1), []string{"log.level"}},
		"log output": {
			strings.Replace(before, first, second, 1), []string{"log.output"},
		},
		"limits": {strings.Replace(before, "max_calls: 5", "max_calls: 6", 1), []string{"server.limits.max_calls"}},
		"chains": {
			strings.ReplaceAll(before, "[recovery]", "[recovery, correlation]"),
			[]string{"server.chain", `proxies["p"].chain`},
		},
		"a service that came":    {strings.Replace(before, echo, echo+", {name: f, echo: {}}", 1), []string{"services"}},
		"a service that went":    {strings.Replace(before, echo+", ", "", 1), []string{"services"}},
		"a service that changed": {strings.Replace(before, "{v: 1}", "{v: 2}", 1), []string{`services[1].static.methods["v"]`}},
		"limits of names": {
			strings.Replace(before, "limits: {max_calls: 5}}", "limits: {max_calls: 7}}", 1),
			[]string{"name_server.server.limits.max_calls"},
		},
		"a new proxy": {strings.Replace(before, "proxies: {", "proxies: {q: {uri: 'PYRO:y@localhost:1'}, ", 1), []string{`proxies["q"]`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, before)
			report := r.reload(tt.text)
			require.Equal(t, tt.want, report.Changed)
			require.Empty(t, report.NeedsRestart)
		})
	}
}

func TestTheLogFollowsAReload(t *testing.T) {
	dir := t.TempDir()
	first := filepath.Join(dir, "first.log")
	text := "log: {output: " + first + "}\nservices: [{name: e, echo: {}}]\n"
	r := run(t, text)
	r.Log().Info("one")
	require.NoError(t, os.Rename(first, first+".1"))
	r.reload(text)
	r.Log().Info("two")
	require.False(t, r.Log().Enabled(t.Context(), slog.LevelDebug))
	r.reload(strings.Replace(text, "first.log", "second.log, level: debug", 1))
	r.Log().Debug("three")
	for file, want := range map[string]string{"first.log.1": "one", "first.log": "two", "second.log": "three"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Contains(t, string(data), "msg="+want)
	}
}

func TestServicesFollowAReload(t *testing.T) {
	r := run(t, "services: [{name: a, static: {methods: {v: 1}}}, {name: b, echo: {}}]", func(p *program.Program) {
		require.NoError(t, p.Server().Add(service.New("own").Method("v", func() int { return 7 })))
	})
	b := r.connect("b")
	_, err := service.Call[any](t.Context(), b, "echo", 1)
	require.NoError(t, err)
	r.reload("services: [{name: a, static: {methods: {v: 2}}}, {name: c, echo: {}}]")
	v, err := r.call("a", "v")
	require.NoError(t, err)
	require.Equal(t, int64(2), v)
	_, err = r.call("c", "echo", 1)
	require.NoError(t, err)
	_, err = service.Call[any](t.Context(), b, "echo", 1)
	require.ErrorContains(t, err, "unknown object")
	v, err = r.call("own", "v")
	require.NoError(t, err)
	require.Equal(t, int64(7), v)

	write(t, r.file, "services: [{name: own, echo: {}}]")
	_, err = r.Reload()
	require.ErrorContains(t, err, "services[0].name: the program has a service of this name already")
	_, err = r.call("c", "echo", 1)
	require.NoError(t, err, "all is as it was")
}

func TestWhatNeedsARestartIsReportedAndStaysAsItWas(t *testing.T) {
	text := `
admin: {address: "localhost:0"}
log: {format: text}
server:
  listeners: [{address: "localhost:0"}]
  limits: {max_calls: 5}
services: [{name: e, echo: {}}]
`
	tests := map[string]struct{ from, to, want string }{
		"listener":       {`listeners: [{address: "localhost:0"}]`, `listeners: [{address: "127.0.0.1:0"}]`, "server.listeners[0].address"},
		"more listeners": {`[{address: "localhost:0"}]`, `[{}, {}]`, "server.listeners"},
		"admin":          {`{address: "localhost:0"}`, `{address: "127.0.0.1:0"}`, "admin.address"},
		"no admin":       {`admin: {address: "localhost:0"}`, "", "admin"},
		"log format":     {"{format: text}", "{format: json}", "log.format"},
		"serializers":    {"limits:", "serializers: [json]\n  limits:", "server.serializers"},
		"name server":    {"log:", "name_server: {}\nlog:", "name_server"},
		"traces":         {"log:", "traces: {}\nlog:", "traces"},
		"watching":       {"log:", "reload: {watch: true}\nlog:", "reload"},
		"streams":        {"limits:", "streams: {linger: 1s}\n  limits:", "server.streams"},
		"health":         {"limits:", "no_health: true\n  limits:", "server.no_health"},
	}
	r := run(t, text)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, text, tt.from)
			changed := strings.Replace(text, tt.from, tt.to, 1)
			report := r.reload(strings.Replace(changed, "max_calls: 5", "max_calls: 6", 1))
			require.Equal(t, []string{tt.want}, report.NeedsRestart)
			require.Equal(t, []string{"server.limits.max_calls"}, report.Changed, "the rest changes")
			again := r.reload(strings.Replace(changed, "max_calls: 5", "max_calls: 6", 1))
			require.Equal(t, []string{tt.want}, again.NeedsRestart, "as long as it differs")
			require.Empty(t, again.Changed)
			_, body := r.get("/configz")
			require.Contains(t, body, "# needs a restart: "+tt.want+"\n")
			require.Empty(t, r.reload(text).NeedsRestart)
		})
	}
	require.Contains(t, r.log.String(), "needs_restart=[log.format]")
}

func TestSectionsThatAreGoneStayAsTheyWere(t *testing.T) {
	const guarded = "listeners: [{address: 'localhost:0'}], limits: {max_calls: 5}, chain: [{token_auth: {principals: {a: {value: sesame}}}}]"
	const services = "services: [{name: e, echo: {}}]\n"
	r := run(t, services+"server: {"+guarded+"}\nname_server: {server: {"+guarded+"}}\n")
	names, err := service.Connect(r.ready["ns"][0])
	require.NoError(t, err)
	t.Cleanup(func() { _ = names.Close() })
	for text, want := range map[string][]string{
		services:                       {"name_server", "server"},
		services + "name_server: {}\n": {"name_server.server", "server"},
	} {
		for range 2 { // that it was gone before changes nothing
			report := r.reload(text)
			require.ElementsMatch(t, want, report.NeedsRestart)
			require.Empty(t, report.Changed)
			_, err := r.call("e", "echo", 1)
			require.ErrorIs(t, err, transport.ErrUnauthenticated, "the chain is still there")
			require.ErrorIs(t, service.Do(t.Context(), names, "count"), transport.ErrUnauthenticated)
			require.EqualValues(t, 5, r.Config().GetServer().GetLimits().GetMaxCalls())
		}
	}
}

func TestAChainThatGuardsNoMoreWaitsForARestart(t *testing.T) {
	const (
		services = "services: [{name: e, echo: {}}]\n"
		tokens   = "token_auth: {principals: {a: {value: sesame}}}"
		rules    = "authorization: {rules: [{principals: [a], calls: [e.echo]}]}"
	)
	r := run(t, services+"server: {chain: [recovery, "+tokens+", "+rules+"]}\n")
	for chain, why := range map[string]string{
		"[recovery]":                 "authenticates",
		"[recovery, " + tokens + "]": "authorizes",
	} {
		t.Run(why, func(t *testing.T) {
			report := r.reload(services + "server: {limits: {max_calls: 7}, chain: " + chain + "}\n")
			require.Equal(t, []string{"server.chain"}, report.NeedsRestart)
			require.Contains(t, r.log.String(),
				`needs_restart=[server.chain] why="[server.chain: it no longer `+why+`, and a reload opens no server to everybody]"`)
			_, err := r.call("e", "echo", 1)
			require.ErrorIs(t, err, transport.ErrUnauthenticated)
			_, err = service.Call[any](t.Context(), r.connect("e", service.Handshake("sesame")), "generator")
			require.ErrorIs(t, err, transport.ErrPermissionDenied)
		})
	}
	r.reload(services + "server: {chain: [" + tokens + ", correlation, " + rules + "]}\n")
	require.Len(t, r.Config().GetServer().GetChain().GetMiddlewares(), 3, "any other change counts at once")
}

func TestAWrongConfigurationChangesNothing(t *testing.T) {
	text := "admin: {address: 'localhost:0'}\nserver: {chain: [recovery]}\nservices: [{name: e, echo: {}}]\nlog: {}\n"
	r := run(t, text)
	running := r.Config()
	for name, wrong := range map[string]string{
		"syntax":     "server: [",
		"field":      strings.Replace(text, "log: {}", "log: {level: debug}\nnothing: 1", 1),
		"chain":      strings.Replace(text, "[recovery]", "[recovery, {rate_limit: {rules: [{rate: -1}]}}]", 1),
		"secret":     strings.Replace(text, "[recovery]", "[recovery, {token_auth: {principals: {a: {file: /nothing/there}}}}]", 1),
		"log output": strings.Replace(text, "log: {}", "log: {output: /nothing/there/log}", 1),
		"nothing":    "# all of it is gone\n",
		"proxy":      text + "proxies: {p: {uri: 'PYRO:o@h:1', tls: {cert: /nothing/there}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, r.file, wrong)
			_, err := r.Reload()
			require.Error(t, err)
			require.Contains(t, err.Error(), "site.yaml:")
			require.Equal(t, running.String(), r.Config().String())
			_, err = r.call("e", "echo", 1)
			require.NoError(t, err)
			_, metrics := r.get("/metrics")
			require.Contains(t, metrics, "pyrokit_config_last_reload_successful 0")
		})
	}
	require.Contains(t, r.log.String(), "the configuration is wrong, that of before stays")
	r.reload(text)
	_, metrics := r.get("/metrics")
	require.Contains(t, metrics, "pyrokit_config_last_reload_successful 1")
	require.Contains(t, metrics, `pyrokit_config_reloads_total{result="failed"} 7`)
	require.Contains(t, metrics, `pyrokit_config_reloads_total{result="ok"} 1`)
}

func TestSecretsOfAChainAreReadAgain(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	write(t, secret, "first\n")
	text := "server: {chain: [{token_auth: {principals: {a: {file: " + secret + "}}}}]}\nservices: [{name: e, echo: {}}]\n"
	r := run(t, text)
	says := func(token string) error {
		_, err := service.Call[any](t.Context(), r.connect("e", service.Handshake(token)), "echo", 1)
		return err
	}
	require.NoError(t, says("first"))
	require.ErrorIs(t, says("second"), transport.ErrUnauthenticated)
	write(t, secret, "second\n")
	require.Equal(t, []string{"server.chain[0]"}, r.reload(text).Changed)
	require.Contains(t, r.log.String(), "changed=[server.chain[0].token_auth]")
	require.Empty(t, r.reload(text).Changed)
	require.NoError(t, says("second"))
	require.ErrorIs(t, says("first"), transport.ErrUnauthenticated)
}

func TestSecretsOutsideOfChains(t *testing.T) {
	dir := t.TempDir()
	key, token := filepath.Join(dir, "key"), filepath.Join(dir, "token")
	write(t, key, "first")
	write(t, token, "one")
	text := "admin: {address: 'localhost:0', token: {file: " + token + "}}\nserver: {hmac_key: {file: " + key + "}}\n"
	r := run(t, text)
	status, _ := r.get("/configz", "Authorization", "Bearer one")
	require.Equal(t, 200, status)
	write(t, key, "second")
	write(t, token, "two")
	report := r.reload(text)
	require.Equal(t, []string{"admin.token"}, report.Changed)
	require.Equal(t, []string{"server.hmac_key"}, report.NeedsRestart)
	status, _ = r.get("/configz", "Authorization", "Bearer one")
	require.Equal(t, 401, status)
	status, _ = r.get("/configz", "Authorization", "Bearer two")
	require.Equal(t, 200, status)
}

func TestTheSecretsOfANewProxyAreFollowed(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, "first")
	r := run(t, "log: {}\n")
	text := "proxies: {p: {uri: 'PYRO:x@localhost:1', hmac_key: {file: " + key + "}}}\n"
	require.Empty(t, r.reload(text).NeedsRestart)
	write(t, key, "second")
	require.Equal(t, []string{`proxies["p"].hmac_key`}, r.reload(text).NeedsRestart)
}

func TestWhyAMiddlewareNeedsARestart(t *testing.T) {
	const text = "server: {chain: [metrics]}\nservices: [{name: e, echo: {}}]\n"
	r := run(t, text)
	require.Equal(t, []string{"server.chain[0]"}, r.reload(strings.Replace(text, "metrics", "metrics: {buckets: [1, 2]}", 1)).NeedsRestart)
	require.Contains(t, r.log.String(),
		`needs_restart=[server.chain[0].metrics] why="[server.chain[0].metrics.buckets: cannot change while the program runs`)
}

func TestTheLogNamesMiddlewaresOfEachChain(t *testing.T) {
	const chain = "chain: [{name: slow, timeout: {default: 1s}}]"
	text := "name_server: {server: {listeners: [{address: 'localhost:0'}], " + chain + "}, broadcast: {disabled: true}}\n" +
		"proxies: {p: {uri: 'PYRO:x@localhost:1', " + chain + "}}\n"
	r := run(t, text)
	r.reload(strings.ReplaceAll(text, "1s", "2s"))
	require.Contains(t, r.log.String(), `changed="[name_server.server.chain[0].timeout proxies[\"p\"].chain[0].timeout]"`)
}

// What a middleware has counted stays, as long as nothing about it has changed.
func TestAReloadKeepsWhatMiddlewaresKnow(t *testing.T) {
	text := "server: {chain: [{rate_limit: {rules: [{rate: 0, burst: 2}]}}]}\nservices: [{name: e, echo: {}}]\n"
	r := run(t, text)
	p := r.connect("e")
	echo := func() error {
		_, err := service.Call[any](t.Context(), p, "echo", 1)
		return err
	}
	require.NoError(t, echo())
	r.reload(strings.Replace(text, "chain: [", "chain: [correlation, ", 1))
	require.NoError(t, echo())
	require.ErrorContains(t, echo(), "rate limit")
	r.reload(strings.Replace(text, "burst: 2", "burst: 3", 1))
	require.NoError(t, echo(), "a new limit begins anew")
}

func TestReloadsUnderLoadLoseNoCall(t *testing.T) {
	text := "server: {limits: {max_calls: 1000}, chain: [recovery, correlation, {timeout: {default: 30s}}]}\n" +
		"services: [{name: e, echo: {}}, {name: s, static: {methods: {v: 1}}}]\n"
	r := run(t, text)
	stop := make(chan struct{})
	var (
		callers sync.WaitGroup
		calls   atomic.Int64
	)
	for range 4 {
		p := r.connect("e")
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if v, err := service.Call[int](t.Context(), p, "echo", 42); err != nil || v != 42 {
					t.Error(v, err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for i := range 20 {
		next := text
		if i%2 == 0 {
			next = strings.NewReplacer("max_calls: 1000", "max_calls: 2000", "30s", "20s", "{v: 1}", "{v: 2}",
				"recovery, ", "recovery, logging, ").Replace(text)
		}
		seen := calls.Load()
		r.reload(next)
		require.Eventually(t, func() bool { return calls.Load() > seen || t.Failed() }, patience, time.Millisecond)
	}
	close(stop)
	callers.Wait()
}

func TestFilesAreWatched(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "token")
	write(t, secret, "one")
	text := "reload: {watch: true}\nadmin: {address: 'localhost:0', token: {file: " + secret + "}}\nserver: {limits: {max_calls: 5}}\n"
	r := run(t, text)
	most := func(n int32) {
		t.Helper()
		require.Eventually(t, func() bool { return r.Config().GetServer().GetLimits().GetMaxCalls() == n }, patience, time.Millisecond)
	}
	write(t, r.file, strings.Replace(text, "max_calls: 5", "max_calls: 6", 1))
	most(6)
	require.NoError(t, os.WriteFile(r.file, []byte(strings.Replace(text, "max_calls: 5", "max_calls: 7", 1)), 0o600))
	most(7)
	write(t, secret, "two")
	require.Eventually(t, func() bool {
		status, _ := r.get("/configz", "Authorization", "Bearer two")
		return status == 200
	}, patience, time.Millisecond)

	// A file that was missing puts right what was wrong.
	write(t, r.file, "include: later.yaml\n"+text)
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "later.yaml: no such file") }, patience, time.Millisecond)
	write(t, filepath.Join(filepath.Dir(r.file), "later.yaml"), "server: {limits: {max_streams: 3}}\n")
	require.Eventually(t, func() bool { return r.Config().GetServer().GetLimits().GetMaxStreams() == 3 }, patience, time.Millisecond)

	// As Kubernetes mounts a ConfigMap: site.yaml leads to ..data/site.yaml, and ..data is replaced.
	write(t, r.file, "include: mounted/site.yaml\n"+text)
	mounted := filepath.Join(filepath.Dir(r.file), "mounted")
	for i, n := range []string{"8", "9"} {
		version := filepath.Join(mounted, "..v"+n)
		require.NoError(t, os.MkdirAll(version, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(version, "site.yaml"), []byte("server: {drain_timeout: "+n+"s}"), 0o600))
		require.NoError(t, os.Symlink("..v"+n, filepath.Join(mounted, "..next")))
		require.NoError(t, os.Rename(filepath.Join(mounted, "..next"), filepath.Join(mounted, "..data")))
		if i == 0 {
			require.NoError(t, os.Symlink("..data/site.yaml", filepath.Join(mounted, "site.yaml")))
			r.reload("include: mounted/site.yaml\n" + text)
			require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "server.drain_timeout") }, patience, time.Millisecond)
		}
	}
	require.Eventually(t, func() bool {
		_, body := r.get("/configz", "Authorization", "Bearer two")
		return strings.Contains(body, "drain_timeout: 9s")
	}, patience, time.Millisecond)
}

// An answer that is kept is read as any other, after a reload, too.
func TestACacheReadsValuesAsItsProxyDoes(t *testing.T) {
	r := run(t, "services: [{name: s, static: {methods: {v: {b: 1, a: 2}}}}]\n")
	proxy := "proxies: {p: {uri: '" + r.Server().URI("s").String() + "', values: {ordered_dicts: true}, " +
		"chain: [{cache: {rules: [{calls: [v], age: 1h}]}}]}}\n"
	asks := run(t, proxy)
	p, err := asks.Proxy("p")
	require.NoError(t, err)
	for _, change := range []string{"age: 1h", "age: 2h"} {
		asks.reload(strings.Replace(proxy, "age: 1h", change, 1))
		for range 2 { // the second answer is one that was kept
			v, err := service.Call[any](t.Context(), p, "v")
			require.NoError(t, err)
			require.IsType(t, &codec.Dict{}, v)
		}
	}
}
