package validate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/validate"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		params string
		args   []any
		want   string // part of the error; empty: it is let through
	}{
		{`"params": [{"name": "x"}]`, []any{nil}, ""},
		{`"params": [{"name": "x", "type": "TYPE_ANY"}]`, []any{1.5}, ""},
		{`"params": [{"name": "x"}]`, nil, "argument x is missing"},
		{`"params": [{"name": "x", "optional": true}]`, nil, ""},
		{`"params": [{"name": "x"}]`, []any{1, 2}, "takes at most 1 arguments, 2 were given"},
		{`"params": [{"name": "x"}], "more_args": true`, []any{1, 2}, ""},
		{`"params": [{"name": "x", "type": "TYPE_BOOL"}]`, []any{true}, ""},
		{`"params": [{"name": "x", "type": "TYPE_BOOL"}]`, []any{1}, "must be bool, not int"},
		{`"params": [{"name": "x", "type": "TYPE_INT"}]`, []any{1.5}, "must be int, not float"},
		{`"params": [{"name": "x", "type": "TYPE_INT"}]`, []any{nil}, "must be int, not None"},
		{`"params": [{"name": "x", "type": "TYPE_INT", "none": true}]`, []any{nil}, ""},
		{`"params": [{"name": "x", "type": "TYPE_FLOAT"}]`, []any{1}, ""},
		{`"params": [{"name": "x", "type": "TYPE_FLOAT", "min": 0}]`, []any{-1}, "at least 0"},
		{`"params": [{"name": "x", "type": "TYPE_FLOAT", "max": 2}]`, []any{3}, "at most 2"},
		{`"params": [{"name": "x", "type": "TYPE_STR", "min_len": 2}]`, []any{"a"}, "at least 2 characters"},
		{`"params": [{"name": "x", "type": "TYPE_STR", "max_len": 2}]`, []any{"abc"}, "at most 2 characters"},
		{`"params": [{"name": "x", "type": "TYPE_STR", "match": "^a+$"}]`, []any{"ab"}, "does not match ^a+$"},
		{`"params": [{"name": "x", "type": "TYPE_STR", "one_of": ["on", "off"]}]`, []any{"up"}, "must be one of on, off"},
		{`"params": [{"name": "x", "type": "TYPE_BYTES"}]`, []any{"a"}, "must be bytes, not str"},
		{`"params": [{"name": "x", "type": "TYPE_DICT"}]`, []any{[]any{}}, "must be dict, not list"},
		{`"params": [{"name": "x", "type": "TYPE_LIST", "items": {"type": "TYPE_INT"}}]`, []any{[]any{"a"}}, "each item of argument x must be int, not str"},
	}
	for _, tt := range tests {
		m := configtest.Message(t, &configv1.Validation{}, `{"shapes": [{"calls": "o.m", `+tt.params+`}]}`)
		made, err := validate.FromConfig(m, middleware.Env{})
		require.NoError(t, err, tt.params)
		endpoint := made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
		_, err = endpoint(t.Context(), &transport.Call{Object: "o", Method: "other", Args: transport.Args{Positional: tt.args}})
		require.NoError(t, err)
		_, err = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m", Args: transport.Args{Positional: tt.args}})
		if tt.want == "" {
			require.NoError(t, err, tt.params)
		} else {
			require.ErrorContains(t, err, tt.want)
		}
	}
}

func TestMoreKeywordsFromConfig(t *testing.T) {
	for text, want := range map[string]bool{`{"shapes": [{"calls": "m"}]}`: false, `{"shapes": [{"calls": "m", "more_keywords": true}]}`: true} {
		made, err := validate.FromConfig(configtest.Message(t, &configv1.Validation{}, text), middleware.Env{})
		require.NoError(t, err)
		_, err = made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })(
			t.Context(), &transport.Call{Method: "m", Args: transport.Args{Keywords: map[string]any{"k": 1}}})
		require.Equal(t, want, err == nil, text)
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.Validation) error { _, err := validate.FromConfig(m, middleware.Env{}); return err }
	param := func(fields string) string { return `{"shapes": [{"calls": "m", "params": [` + fields + `]}]}` }
	deep := `{"name": "x"` + strings.Repeat(`, "items": {"type": "TYPE_LIST"`, 40) + strings.Repeat("}", 41)
	configtest.Wrong(t, &configv1.Validation{}, from, map[string][]string{
		`{}`:                                  {"shapes: must have one at least"},
		`{"shapes": [{}]}`:                    {"shapes[0].calls: must not be empty: * fits all"},
		param(`{}`):                           {"shapes[0].params[0].name: must not be empty"},
		param(`{"name": "x"}, {"name": "x"}`): {`shapes[0].params[1].name: "x" is there twice`},
		param(`{"name": "x", "type": 99}`):    {"shapes[0].params[0].type: 99 is no type"},
		param(`{"name": "x", "min": 3, "max": 2}`):         {"shapes[0].params[0].max: must not be less than min, 3"},
		param(`{"name": "x", "min_len": 3, "max_len": 2}`): {"shapes[0].params[0].max_len: must not be less than min_len, 3"},
		param(`{"name": "x", "min_len": -1, "max_len": -1}`): {
			"shapes[0].params[0].min_len: must be 0 or more, not -1", "shapes[0].params[0].max_len: must be 0 or more, not -1",
		},
		param(`{"name": "x", "items": {"match": "("}}`): {
			"shapes[0].params[0].items.match: error parsing regexp: missing closing ): `(`",
		},
		param(deep): {"shapes[0].params[0]" + strings.Repeat(".items", 33) + ": are declared deeper than 32"},
	})
}
