package metrics_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/metrics"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// count takes a call of each method through a middleware made from text.
func count(t *testing.T, reg *prometheus.Registry, text string, methods ...string) {
	t.Helper()
	made, err := metrics.FromConfig(configtest.Message(t, &configv1.Metrics{}, text), middleware.Env{}, reg)
	require.NoError(t, err, text)
	endpoint := made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, m := range methods {
		_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: m})
		require.NoError(t, err)
	}
}

func TestFromConfig(t *testing.T) {
	tests := []struct {
		text, name string
		want       map[string]float64 // calls by method
	}{
		{`{}`, "pyro_calls_total", map[string]float64{"a": 1, "b": 1}},
		{`{"namespace": "shop"}`, "shop_calls_total", map[string]float64{"a": 1, "b": 1}},
		{`{"max_methods": 1}`, "pyro_calls_total", map[string]float64{"a": 1, "other": 1}},
		{`{"max_methods": 0}`, "pyro_calls_total", map[string]float64{"other": 2}},
		{`{"only": ["b"]}`, "pyro_calls_total", map[string]float64{"other": 1, "b": 1}},
	}
	for _, tt := range tests {
		reg := prometheus.NewRegistry()
		count(t, reg, tt.text, "a", "b")
		require.Equal(t, tt.want, byMethod(t, reg, tt.name), tt.text)
	}
}

// byMethod returns the values of a metric by method.
func byMethod(t *testing.T, reg *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == "method" {
					found[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return found
}

func TestBucketsFromConfig(t *testing.T) {
	reg := prometheus.NewRegistry()
	count(t, reg, `{"buckets": [0.5, 1]}`, "a")
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "pyro_call_duration_seconds" {
			buckets := f.GetMetric()[0].GetHistogram().GetBucket()
			require.Len(t, buckets, 2)
			require.InDelta(t, 0.5, buckets[0].GetUpperBound(), 0)
			return
		}
	}
	t.Fatal("no histogram")
}

func TestMadeAgainItCountsOn(t *testing.T) {
	reg := prometheus.NewRegistry()
	count(t, reg, `{}`, "a")
	count(t, reg, `{"max_methods": 5}`, "a", "b")
	require.Equal(t, map[string]float64{"a": 2, "b": 1}, byMethod(t, reg, "pyro_calls_total"))

	_, err := metrics.FromConfig(&configv1.Metrics{Buckets: []float64{1}}, middleware.Env{}, reg)
	require.ErrorIs(t, err, middleware.ErrRestart)
	require.EqualError(t, err, "buckets: cannot change while the program runs: start it anew "+
		"(the metrics are registered already, with other buckets)")
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Metrics) error {
		_, err := metrics.FromConfig(m, middleware.Env{}, prometheus.NewRegistry())
		return err
	}
	configtest.Wrong(t, &configv1.Metrics{}, from, map[string][]string{
		`{"namespace": "a-b", "max_methods": -1, "only": [""]}`: {
			`namespace: must be letters, digits and _, and no digit in front, not "a-b"`,
			"max_methods: must be 0 or more, not -1", "only[0]: must not be empty: * fits all",
		},
		`{"buckets": [1, 2, 2]}`:  {"buckets[2]: must be more than the one before, 2"},
		`{"buckets": [1, "NaN"]}`: {"buckets[1]: must be more than the one before, 1"},
	})
	_, err := metrics.FromConfig(&configv1.Metrics{}, middleware.Env{}, nil)
	require.EqualError(t, err, "nothing here takes metrics")
}
