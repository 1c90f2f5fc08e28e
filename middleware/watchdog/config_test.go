package watchdog_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/watchdog"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		text, level string // empty: nothing is logged
		stack       int    // bytes at most
	}{
		{`{}`, "", 0},
		{`{"default": "5s"}`, "WARN", watchdog.DefaultMaxStack},
		{`{"default": "50s"}`, "", 0},
		{`{"default": "50s", "limits": [{"method": "o.*", "limit": "5s"}]}`, "WARN", watchdog.DefaultMaxStack},
		{`{"default": "5s", "limits": [{"method": "m", "limit": "0s"}]}`, "", 0},
		{`{"default": "5s", "level": "LOG_LEVEL_ERROR"}`, "ERROR", watchdog.DefaultMaxStack},
		{`{"default": "5s", "max_stack": 7}`, "WARN", 7},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			lines := newJournal()
			made, err := watchdog.FromConfig(configtest.Message(t, &configv1.Watchdog{}, tt.text), middleware.Env{Log: lines.logger()})
			require.NoError(t, err)
			_, err = transport.Chain(made).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
				time.Sleep(10 * time.Second)
				return &transport.Reply{}, nil
			})(t.Context(), &transport.Call{Object: "o", Method: "m"})
			require.NoError(t, err)
			synctest.Wait()
			if tt.level == "" {
				require.Empty(t, lines, tt.text)
				return
			}
			require.Len(t, lines, 1, tt.text)
			line := <-lines
			require.Equal(t, tt.level, line[slog.LevelKey], tt.text)
			require.LessOrEqual(t, len(strings.TrimSuffix(line["stack"].(string), "...")), tt.stack, tt.text)
		})
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Watchdog) error { _, err := watchdog.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.Watchdog{}, from, map[string][]string{
		`{"default": "-1s", "max_stack": -1, "level": 99}`: {
			"default: must be a time of 0s or more", "max_stack: must be 0 or more, not -1", "level: 99 is no level",
		},
		`{"level": "LOG_LEVEL_OFF"}`:                    {"level: must not be LOG_LEVEL_OFF: leave the watchdog out of the chain instead"},
		`{"limits": [{}]}`:                              {"limits[0].method: must not be empty: * fits all", "limits[0].limit: must be set: 0s is no limit"},
		`{"limits": [{"method": "m", "limit": "-1s"}]}`: {"limits[0].limit: must be a time of 0s or more"},
	})
}
