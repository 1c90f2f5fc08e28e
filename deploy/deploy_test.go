// Package deploy checks that dashboard and alerts ask for what a program tells.
package deploy_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
)

// The parts of PromQL and of texts that name metrics and labels. promtool checks the rest (make check-deploy).
var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	metric   = regexp.MustCompile(`\b(up|(?:pyro|pyrokit|process|go)_[a-z_]+)(?:\{([^}]*)\})?`)
	label    = regexp.MustCompile(`([a-z_]+)\s*(?:=|!)`)
	grouping = regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
	legend   = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}`)
	values   = regexp.MustCompile(`^label_values\((.*), ([a-z_]+)\)$`)
)

// scraped are the labels that Prometheus adds.
var scraped = []string{"job", "instance"}

// A query is an expression, and texts that name labels of its result.
type query struct{ expr, text string }

func TestTheDashboardAsksForWhatIsThere(t *testing.T) {
	data, err := os.ReadFile("grafana/pyrokit.json")
	require.NoError(t, err)
	var board struct {
		Templating struct {
			List []struct{ Definition string }
		}
		Annotations struct {
			List []struct{ Expr, TitleFormat string }
		}
		Panels []struct {
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &board)) //nolint:musttag // the names are Grafana's, in any case
	var all []query
	for _, v := range board.Templating.List {
		if m := values.FindStringSubmatch(v.Definition); m != nil {
			all = append(all, query{m[1], "{{" + m[2] + "}}"})
		}
	}
	require.Len(t, all, 3) // job, instance, object
	for _, a := range board.Annotations.List {
		all = append(all, query{a.Expr, a.TitleFormat})
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			all = append(all, query{q.Expr, q.LegendFormat})
		}
	}
	require.Greater(t, len(all), 30)
	checkQueries(t, all)
}

func TestTheAlertsAskForWhatIsThere(t *testing.T) {
	data, err := os.ReadFile("prometheus/rules.yaml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(data, &rules))
	var all []query
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all = append(all, query{r.Expr, r.Annotations["summary"] + r.Annotations["description"]})
		}
	}
	require.Greater(t, len(all), 10)
	checkQueries(t, all)
}

// checkQueries checks that each metric of the queries is one that a program tells, with the labels that they use.
func checkQueries(t *testing.T, all []query) {
	t.Helper()
	there := scrape(t)
	for _, q := range all {
		expr := quoted.ReplaceAllString(q.expr, "")
		found := metric.FindAllStringSubmatch(expr, -1)
		require.NotEmpty(t, found, q.expr)
		for _, m := range found {
			require.Contains(t, there, m[1], q.expr)
			labels := slices.Concat(there[m[1]], scraped)
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				require.Contains(t, labels, l[1], q.expr)
			}
			for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
				require.Subset(t, labels, strings.Split(strings.ReplaceAll(g[1], " ", ""), ","), q.expr)
			}
			for _, l := range legend.FindAllStringSubmatch(q.text, -1) {
				require.Contains(t, labels, l[1], "%s: %s", q.expr, q.text)
			}
		}
	}
	require.True(t, slices.Contains(there["pyro_calls_total"], "code"))
}

// everything is a program that has each kind of metric. Nobody answers its proxy.
const everything = `
admin: {address: "localhost:0"}
server:
  listeners: [{address: "localhost:0"}]
  chain: [metrics]
services: [{name: echo, echo: {}}]
name_server:
  server: {listeners: [{address: "localhost:0"}]}
  broadcast: {disabled: true}
proxies:
  gone: {uri: "PYRO:gone@localhost:1", chain: [metrics]}
`

// scrape returns the labels of each metric of a program that was called and has called.
func scrape(t *testing.T) map[string][]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "everything.yaml")
	require.NoError(t, os.WriteFile(file, []byte(everything), 0o600))
	at := map[string]string{}
	ready := make(chan struct{})
	p, err := program.New([]string{file}, program.Streams(io.Discard, io.Discard), program.OnReady(func(all []program.Address) {
		for _, one := range all {
			at[one.What] = one.URI
		}
		close(ready)
	}))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		require.FailNow(t, "the program has ended", "%v", err)
	}

	echo, err := service.Connect(at["server"])
	require.NoError(t, err)
	require.NoError(t, service.Do(ctx, echo, "echo", "x"))
	require.NoError(t, echo.Close())
	gone, err := p.Proxy("gone")
	require.NoError(t, err)
	require.Error(t, service.Do(ctx, gone, "echo", "x"))
	page := get(t, at["admin"]+"/metrics")
	stop()
	require.NoError(t, <-ended)
	return labelsOf(page)
}

// A sample is a line of what Prometheus reads.
var (
	sample    = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	labelName = regexp.MustCompile(`([a-z_]+)="`)
)

func labelsOf(page string) map[string][]string {
	there := map[string][]string{"up": nil} // Prometheus' own
	for _, m := range sample.FindAllStringSubmatch(page, -1) {
		there[m[1]] = nil
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			there[m[1]] = append(there[m[1]], l[1])
		}
	}
	return there
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}
