package config_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

var update = flag.Bool("config.update", false, "write the files in testdata/golden anew")

// golden compares with a file in testdata/golden.
func golden(t *testing.T, dir, name string, got []byte) {
	t.Helper()
	path := filepath.Join(dir, "testdata", "golden", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// dumpedText has a value of each kind in it.
const dumpedText = `
log: {output: "no $${NAME}"}
server:
  listeners: [{address: "${HOST}:4242"}]
  limits: {max_message_size: 64MiB, max_depth: 50, handshake_timeout: 90s}
  serializers: [json, serpent]
  compression: false
  hmac_key: {value: hunter2}
  tls: {cert: a.pem, key_password: {env: PASSWORD}}
  prefer_ip: 4
  chain:
    - recovery
    - token_auth: {principals: {alice: {value: hunter2}, "b.c": {file: /b}}}
    - rate_limit: {rules: [{rate: 0.5, per: [principal, method]}]}
      name: front
  annotations: {ABCD: "a#b"}
services:
  - name: facts
    static: {methods: {a: 1, b: [1.5, x, null], c: {d: {}}, e: "8"}}
  - name: echo
    echo: {}
proxies:
  "a.b": {uri: "PYRO:x@y:1"}
`

func dump(t *testing.T, f *config.File, opts config.DumpOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, f.Dump(&b, opts))
	return b.Bytes()
}

func TestDump(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	env := map[string]string{"HOST": "example.org", "PYRO_COMMTIMEOUT": "3"}
	f := load(t, map[string]string{"site.yaml": dumpedText}, env, config.Set("server.drain_timeout=1m"))
	tests := []struct {
		file string
		opts config.DumpOptions
	}{
		{"dump.yaml", config.DumpOptions{}},
		{"dump_all.yaml", config.DumpOptions{Format: "yaml", All: true}},
		{"dump.json", config.DumpOptions{Format: "json"}},
		{"dump.txtpb", config.DumpOptions{Format: "textproto"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := dump(t, f, tt.opts)
			require.NotContains(t, string(got), "hunter2")
			golden(t, here, tt.file, got)
		})
	}
	require.EqualError(t, f.Dump(&bytes.Buffer{}, config.DumpOptions{Format: "toml"}), "format toml: want yaml, json or textproto")
}

// What was dumped, with *** for secrets, loads, and is what it was before but for those.
func TestDumpsLoad(t *testing.T) {
	f := load(t, map[string]string{"site.yaml": dumpedText}, map[string]string{"HOST": "example.org"})
	redacted, ok := proto.Clone(f.Config()).(*configv1.Config)
	require.True(t, ok)
	redacted.GetServer().GetHmacKey().Source = &configv1.Secret_Value{Value: "***"}
	auth := &configv1.TokenAuth{}
	packed := redacted.GetServer().GetChain().GetMiddlewares()[1].GetConfig()
	require.NoError(t, packed.UnmarshalTo(auth))
	auth.GetPrincipals()["alice"].Source = &configv1.Secret_Value{Value: "***"}
	packed.Value, _ = proto.MarshalOptions{Deterministic: true}.Marshal(auth)

	for name, opts := range map[string]config.DumpOptions{
		"again.yaml": {}, "again.json": {Format: "json"}, "again.txtpb": {Format: "textproto"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{name: string(dump(t, f, opts))})
			again, err := config.Load([]string{name}, variables(nil))
			require.NoError(t, err)
			require.True(t, proto.Equal(redacted, again.Config()), "want %v\ngot  %v", redacted, again.Config())
		})
	}
	t.Run("all defaults are accepted", func(t *testing.T) {
		write(t, map[string]string{"again.yaml": string(dump(t, f, config.DumpOptions{All: true}))})
		_, err := config.Load([]string{"again.yaml"}, variables(nil))
		require.NoError(t, err)
	})
	t.Run("protobuf reads its format", func(t *testing.T) {
		again := &configv1.Config{}
		require.NoError(t, prototext.Unmarshal(dump(t, f, config.DumpOptions{Format: "textproto"}), again))
		require.Equal(t, "no $${NAME}", again.GetLog().GetOutput()) // the only thing that it does not know
		again.Log = redacted.GetLog()
		again.GetServer().Chain, redacted.GetServer().Chain = nil, nil // the bytes in an Any have no order of their own
		require.True(t, proto.Equal(redacted, again), "want %v\ngot  %v", redacted, again)
	})
}
