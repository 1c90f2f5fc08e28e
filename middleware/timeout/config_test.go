package timeout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		text, method string
		want         time.Duration // 0: no deadline
	}{
		{`{}`, "m", 0},
		{`{"default": "2s"}`, "m", 2 * time.Second},
		{`{"default": "2s", "rules": [{"calls": ["a", "o.b*"], "limit": "60s"}]}`, "m", 2 * time.Second},
		{`{"default": "2s", "rules": [{"calls": ["a", "o.b*"], "limit": "60s"}]}`, "bb", time.Minute},
		{`{"default": "2s", "rules": [{"calls": ["a"], "limit": "0s"}]}`, "a", 0},
		{`{"rules": [{"calls": ["a"], "limit": "1s"}, {"calls": ["a"], "limit": "3s"}]}`, "a", time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			made, err := timeout.FromConfig(configtest.Message(t, &configv1.Timeout{}, tt.text), middleware.Env{})
			require.NoError(t, err)
			left := time.Duration(0)
			_, err = transport.Chain(made).Call(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
				if deadline, ok := ctx.Deadline(); ok {
					left = time.Until(deadline)
				}
				return &transport.Reply{}, nil
			})(t.Context(), &transport.Call{Object: "o", Method: tt.method})
			require.NoError(t, err)
			require.Equal(t, tt.want, left, "%s %s", tt.text, tt.method)
		})
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Timeout) error { _, err := timeout.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.Timeout{}, from, map[string][]string{
		`{"default": "-1s"}`:            {"default: must be a time of 0s or more"},
		`{"rules": [{"calls": ["a"]}]}`: {"rules[0].limit: must be set: 0s is no limit"},
		`{"rules": [{"limit": "1s"}, {"calls": [""], "limit": "1s"}]}`: {
			"rules[0].calls: must have one at least: * fits all", "rules[1].calls[0]: must not be empty: * fits all",
		},
	})
}
