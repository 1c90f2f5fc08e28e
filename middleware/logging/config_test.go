package logging_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/logging"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // level and message of lines about a call that succeeds, an item that does, one that fails
	}{
		{"defaults", `{}`, []string{"INFO call", "WARN call failed"}},
		{"levels", `{"start": "LOG_LEVEL_DEBUG", "success": "LOG_LEVEL_WARN", "failure": "LOG_LEVEL_ERROR"}`, []string{
			"DEBUG call begins", "WARN call", "DEBUG call begins", "ERROR call failed",
		}},
		{"off", `{"success": "LOG_LEVEL_OFF", "failure": "LOG_LEVEL_OFF"}`, nil},
		{"sampling", `{"sampling": {}}`, []string{"WARN call failed"}},
		{"items", `{"stream_items": true}`, []string{"INFO call", "INFO call", "WARN call failed"}},
		{"the first ones", `{"stream_items": true, "sampling": {"first": 1}}`, []string{"INFO call", "WARN call failed"}},
		{"thereafter", `{"stream_items": true, "sampling": {"thereafter": 2}}`, []string{"INFO call", "WARN call failed"}},
	}
	for _, tt := range tests {
		var log journal
		run(t, tt.text, &log)
		var got []string
		for _, line := range log.lines(t) {
			got = append(got, line["level"].(string)+" "+line["msg"].(string))
		}
		require.Equal(t, tt.want, got, tt.name)
	}
}

// run takes a call that succeeds, an item that does, and a call that fails through a middleware.
func run(t *testing.T, text string, log *journal) {
	t.Helper()
	made, err := logging.FromConfig(configtest.Message(t, &configv1.Logging{}, text), middleware.Env{Log: log.logger()})
	require.NoError(t, err)
	endpoint := made.Call(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
		if call.Method == "fail" {
			return nil, errors.New("sesame")
		}
		return &transport.Reply{}, nil
	})
	args := transport.Args{Positional: []any{"tulip"}, Keywords: map[string]any{"password": "clog", "pin": "1234"}}
	for _, call := range []*transport.Call{
		{Object: "o", Method: "m", Args: args},
		{Kind: transport.StreamItem, Object: "o", Method: "walk"},
		{Object: "o", Method: "fail", Args: args},
	} {
		_, _ = endpoint(t.Context(), call)
	}
}

func TestWhatLinesFromConfigHold(t *testing.T) {
	tests := []struct {
		text         string
		holds, lacks []string
	}{
		{`{}`, []string{"sesame"}, []string{"tulip", "clog", "1234"}},
		{`{"no_error_text": true}`, nil, []string{"sesame"}},
		{`{"arguments": {}}`, []string{"1234"}, []string{"tulip", "clog"}},
		{`{"arguments": {"positional": true}}`, []string{"1234", "tulip"}, []string{"clog"}},
		{`{"arguments": {"hidden_keys": ["p?n"]}}`, []string{"clog"}, []string{"tulip", "1234"}},
		{`{"arguments": {"methods": ["other"]}}`, nil, []string{"1234"}},
	}
	for _, tt := range tests {
		var log journal
		run(t, tt.text, &log)
		for _, text := range tt.holds {
			require.Contains(t, log.text(), text, tt.text)
		}
		for _, text := range tt.lacks {
			require.NotContains(t, log.text(), text, tt.text)
		}
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Logging) error { _, err := logging.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.Logging{}, from, map[string][]string{
		`{"start": 99, "success": 98, "failure": 97}`: {"start: 99 is no level", "success: 98 is no level", "failure: 97 is no level"},
		`{"sampling": {"first": -1, "thereafter": -1}}`: {
			"sampling.first: must be 0 or more, not -1", "sampling.thereafter: must be 0 or more, not -1",
		},
		`{"arguments": {"methods": [""], "hidden_keys": [""]}}`: {
			"arguments.methods[0]: must not be empty: * fits all", "arguments.hidden_keys[0]: must not be empty: * fits all",
		},
	})
}
