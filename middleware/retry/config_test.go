package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/retry"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		name, text, method string
		err                error
		want               int           // attempts
		least, most        time.Duration // that they take
	}{
		{"by default what never left", `{}`, "m", lost(false), 3, 75 * time.Millisecond, 150 * time.Millisecond},
		{"and no more", `{}`, "m", lost(true), 1, 0, 0},
		{"attempts", `{"attempts": 2}`, "m", lost(false), 2, 25 * time.Millisecond, 50 * time.Millisecond},
		{"safe methods", `{"safe_methods": ["get_*"]}`, "get_a", lost(true), 3, 75 * time.Millisecond, 150 * time.Millisecond},
		{"others", `{"safe_methods": ["get_*"]}`, "set_a", lost(true), 1, 0, 0},
		{"backoff", `{"backoff": "8s"}`, "m", lost(false), 3, 8 * time.Second, 16 * time.Second},
		{"max_backoff", `{"backoff": "8s", "max_backoff": "10s"}`, "m", lost(false), 3, 9 * time.Second, 18 * time.Second},
		{"max_backoff alone", `{"attempts": 10, "max_backoff": "0.1s"}`, "m", lost(false), 10, 425 * time.Millisecond, 850 * time.Millisecond},
		{"a policy", `{"policies": [{"calls": ["m"], "attempts": 2, "backoff": "8s"}]}`, "m", lost(true), 2, 4 * time.Second, 8 * time.Second},
		{"its max_backoff", `{"policies": [{"calls": ["m"], "backoff": "8s", "max_backoff": "10s"}]}`, "m", lost(true), 3, 9 * time.Second, 18 * time.Second},
		{"its calls", `{"policies": [{"calls": ["a"]}]}`, "m", lost(true), 1, 0, 0},
		{"its codes", `{"policies": [{"calls": ["m"], "codes": ["CODE_INVALID_ARGUMENT"]}]}`, "m", remote("ValueError"), 3, 75 * time.Millisecond, 150 * time.Millisecond},
		{"a policy comes before safe_methods", `{"safe_methods": ["m"], "policies": [{"calls": ["m"], "attempts": 1}]}`, "m", lost(true), 1, 0, 0},
		{"a budget", `{"attempts": 9, "budget": {"spare": 2}}`, "m", lost(false), 3, 75 * time.Millisecond, 350 * time.Millisecond},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			made, err := retry.FromConfig(configtest.Message(t, &configv1.Retry{}, tt.text), middleware.Env{})
			require.NoError(t, err, tt.name)
			n, begun := 0, time.Now()
			_, err = made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
				n++
				return nil, tt.err
			})(t.Context(), &transport.Call{Object: "o", Method: tt.method})
			require.Error(t, err)
			require.Equal(t, tt.want, n, tt.name)
			require.GreaterOrEqual(t, time.Since(begun), tt.least, tt.name)
			require.LessOrEqual(t, time.Since(begun), tt.most, tt.name)
		})
	}
}

func TestHedgeFromConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := configtest.Message(t, &configv1.Retry{}, `{"policies": [{"calls": ["m"], "hedge": "1s"}]}`)
		made, err := retry.FromConfig(m, middleware.Env{})
		require.NoError(t, err)
		begun := time.Now()
		sent := make(chan time.Duration, 9)
		_, err = made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			sent <- time.Since(begun)
			time.Sleep(3 * time.Second)
			return &transport.Reply{}, nil
		})(t.Context(), &transport.Call{Object: "o", Method: "m"})
		require.NoError(t, err)
		require.Zero(t, <-sent)
		require.Equal(t, time.Second, <-sent)
		require.Empty(t, sent)
	})
}

func TestABudgetFromConfigIsRefilled(t *testing.T) {
	made, err := retry.FromConfig(configtest.Message(t, &configv1.Retry{},
		`{"attempts": 2, "backoff": "0.000001s", "budget": {"share": 0.5, "spare": 1}}`), middleware.Env{})
	require.NoError(t, err)
	n := 0
	endpoint := made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		n++
		return nil, lost(false)
	})
	for range 5 {
		_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"})
		require.Error(t, err)
	}
	require.Equal(t, 5+3, n, "the one to spare, and one for every two calls that follow")
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Retry) error { _, err := retry.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.Retry{}, from, map[string][]string{
		`{"attempts": -1, "backoff": "-1s", "safe_methods": ["a", ""]}`: {
			"attempts: must be 0 or more, not -1", "backoff: must be a time of 0s or more",
			"safe_methods[1]: must not be empty: * fits all",
		},
		`{"backoff": "3s", "max_backoff": "1s"}`: {"max_backoff: must not be less than backoff, 3s"},
		`{"budget": {"share": -1, "spare": -1}}`: {
			"budget.share: must be a number of 0 or more, not -1", "budget.spare: must be 0 or more, not -1",
		},
		`{"policies": [{"backoff": "3s", "max_backoff": "1s", "codes": ["CODE_UNSPECIFIED"], "hedge": "-1s", "attempts": -3}]}`: {
			"policies[0].calls: must have one at least: * fits all",
			"policies[0].max_backoff: must not be less than backoff, 3s",
			"policies[0].codes[0]: CODE_UNSPECIFIED is no code of errors",
			"policies[0].hedge: must be a time of 0s or more",
			"policies[0].attempts: must be 0 or more, not -3",
		},
	})
}
