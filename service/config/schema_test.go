package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/pyrokit/pyrokit/service/config"
)

// compiled is the schema as a validator reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := config.Schema(nil)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", doc))
	s, err := c.Compile("schema.json")
	require.NoError(t, err)
	return s
}

func TestSchema(t *testing.T) {
	template, err := os.ReadFile("template.yaml")
	require.NoError(t, err)
	tests := []struct {
		name, text, wantErr string
	}{
		{name: "template", text: string(config.Template())},
		{name: "whole template", text: strings.ReplaceAll(string(template), "#~ ", "")},
		{name: "a value of each kind", text: dumpedText},
		{name: "formats", text: same["site.yaml"]},
		{name: "reference for a number", text: "server: {limits: {max_depth: '${DEPTH}'}}"},
		{name: "long form", text: `server: {chain: {middlewares: [{name: x, config: {"@type": Timeout, default: 5s}}]}}`},
		{name: "settings left out", text: "server: {chain: [{recovery: }]}"},
		{name: "unknown field", text: "server: {limts: {}}", wantErr: "limts"},
		{name: "unknown middleware", text: "server: {chain: [{rate_limt: {}}]}", wantErr: "rate_limt"},
		{name: "two middlewares in one", text: "server: {chain: [{recovery: {}, correlation: {}}]}", wantErr: "chain/0"},
		{name: "unknown field of a middleware", text: "server: {chain: [{timeout: {defalt: 5s}}]}", wantErr: "defalt"},
		{name: "range", text: "server: {limits: {max_depth: 10001}}", wantErr: "max_depth"},
		{name: "enum", text: "log: {level: loud}", wantErr: "level"},
		{name: "time without a unit", text: "server: {drain_timeout: 10}", wantErr: "drain_timeout"},
		{name: "secret", text: "server: {hmac_key: hunter2}", wantErr: "hmac_key"},
		{name: "two kinds", text: "services: [{name: a, echo: {}, static: {}}]", wantErr: "services/0"},
		{name: "no kind", text: "services: [{name: a}]", wantErr: "services/0"},
	}
	schema := compiled(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			require.NoError(t, yaml.Unmarshal([]byte(tt.text), &v))
			err := schema.Validate(v)
			if tt.wantErr == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wantErr)
		})
	}
}
