package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/cache"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"

	"github.com/pyrokit/pyrokit/internal/pairtest"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		name, text string
		methods    string // each letter is one; . waits half a minute
		want       int    // calls that came through
	}{
		{"calls", `{"rules": [{"calls": ["a"], "age": "60s"}]}`, "aabb", 3},
		{"age", `{"rules": [{"calls": ["*"], "age": "60s"}]}`, "a.a.a", 2},
		{"no age", `{"rules": [{"calls": ["a"]}, {"calls": ["*"], "age": "60s"}]}`, "aabb", 3},
		{"max_entries", `{"rules": [{"calls": ["*"], "age": "60s"}], "max_entries": 2}`, "abcabc", 6},
		{"by default more", `{"rules": [{"calls": ["*"], "age": "60s"}]}`, "abcabc", 3},
		{"max_size", `{"rules": [{"calls": ["*"], "age": "60s"}], "max_size": "900"}`, "abcabc", 6},
		{"of one answer", `{"rules": [{"calls": ["*"], "age": "60s"}], "max_size": "100"}`, "aa", 2},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			made, err := cache.FromConfig(configtest.Message(t, &configv1.Cache{}, tt.text), middleware.Env{})
			require.NoError(t, err)
			n := 0
			endpoint := made.Call(count(&n))
			for _, m := range tt.methods {
				if m == '.' {
					time.Sleep(30 * time.Second)
					continue
				}
				_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: string(m)})
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, n, tt.name)
		})
	}
}

func TestValuesAreReadAsTheEnvSays(t *testing.T) {
	m := configtest.Message(t, &configv1.Cache{}, `{"rules": [{"calls": ["*"], "age": "60s"}]}`)
	made, err := cache.FromConfig(m, middleware.Env{Values: codec.Options{OrderedDicts: true}})
	require.NoError(t, err)
	s, _ := library()
	p := pairtest.Join(t, s, nil, service.Use(made), service.OrderedDicts())
	for range 2 {
		got, err := service.Call[[]any](t.Context(), p, "look_up", map[string]any{"b": 1, "a": 2})
		require.NoError(t, err)
		require.IsType(t, &codec.Dict{}, got[0])
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Cache) error { _, err := cache.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.Cache{}, from, map[string][]string{
		`{}`: {"rules: must have one at least"},
		`{"rules": [{"age": "-1s"}], "max_size": "-5", "max_entries": -6}`: {
			"rules[0].calls: must have one at least: * fits all", "rules[0].age: must be a time of 0s or more",
			"max_size: must be 0 or more, not -5", "max_entries: must be 0 or more, not -6",
		},
	})
}

func TestOrder(t *testing.T) {
	knows := transport.Middleware{Name: "auth", Order: transport.Order{Gives: []string{"principal"}}}
	allows := transport.Middleware{Name: "authorize", Order: transport.Order{Gives: []string{"permission"}}}
	keeps := cache.New(cache.Pure(time.Hour, "*"))
	require.Empty(t, transport.CheckOrder(transport.ServerEnd, []transport.Middleware{knows, allows, keeps}))
	require.Empty(t, transport.CheckOrder(transport.ServerEnd, []transport.Middleware{keeps}))
	wrong := transport.CheckOrder(transport.ServerEnd, []transport.Middleware{knows, keeps, allows})
	require.Len(t, wrong, 1)
	require.True(t, wrong[0].Fatal)
	require.Equal(t, 1, wrong[0].Index)
	require.EqualError(t, wrong[0], "cache: belongs inside of authorize: answers would reach callers that are not allowed to call")
}
