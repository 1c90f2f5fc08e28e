package config

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/internal/configtree"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// noVariables is an environment in which nothing is set.
func noVariables(string) (string, bool) { return "", false }

// loadText binds a text as Load does.
func loadText(data []byte, format configtree.Format) (*loader, error) {
	l := newLoader([]LoadOption{Environ(noVariables)})
	tree, err := configtree.Parse(data, format)
	if err != nil {
		return l, err
	}
	includes := slices.ContainsFunc(tree.Children, func(n *configtree.Node) bool { return n.Key == includeKey })
	if !includes && tree.Kind == configtree.Map && !bytes.Contains(data, []byte("file:")) {
		l.binder("fuzz", format).message(tree, l.config.ProtoReflect(), "")
	}
	l.validate(l.config.ProtoReflect())
	return l, l.err()
}

// Whatever a text is, loading it ends with a configuration or with errors that say where. A configuration is the same
// after it was dumped and loaded again, and the same that protobuf's own reader makes of its format.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		"server:\n  limits: {max_depth: 50, max_message_size: 1.5KiB}\n  chain: [recovery, {rate_limit: {rules: [{rate: 1}]}, name: x}]\n",
		"server: {chain: {middlewares: [{config: {\"@type\": Timeout, default: 5s}}]}, hmac_key: '${A}', prefer_ip: 4}\n",
		"services: [{name: a, static: {methods: {a: [1, {b: null}], c: .inf}}}]\nproxies: {a: {uri: 'PYRO:x@y:1', dialect: pyro5}}\n",
		"server: &a {compression: yes, tls: *a, no: [1]}\ntraces: {ratio: 0, resource: {a: \"$${b}\"}}\n",
		`{"server": {"drainTimeout": "1m", "announce": [{"directory": {"static": {"entries": []}}}]}, "log": {"level": 1}}`,
		`server { listeners { address: "a" } chain { middlewares { config { [type.googleapis.com/pyrokit.config.v1.Recovery] { expose_text: true } } } } }`,
		`proxies { key: "a" value { uri: "PYRO:x@y:1" timeout { seconds: 1 nanos: 2 } } } traces { ratio: 1e-3 }`,
		`services { name: "a" static { methods { key: "b" value { list_value { values { number_value: inf } } } } } }`,
	} {
		for format := range uint8(3) {
			f.Add([]byte(text), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, choice uint8) {
		format := configtree.YAML + configtree.Format(choice%3)
		l, err := loadText(data, format)
		if err != nil {
			return
		}
		prefixes := bytes.Count(data, []byte("[type.googleapis.com/"))
		usual := prefixes == bytes.Count(data, []byte("/")) && prefixes == bytes.Count(data, []byte("pyrokit")) // others become that
		if format == configtree.Textproto && usual && !bytes.Contains(data, []byte("${")) {
			other := &configv1.Config{}
			if (prototext.UnmarshalOptions{AllowPartial: true}).Unmarshal(data, other) == nil && other.Include == nil {
				require.True(t, proto.Equal(other, l.config), "protobuf %v\nhere     %v", other, l.config)
			}
		}
		hideSecrets(l.config)
		file := &File{config: l.config, origins: l.origins, types: l.types}
		for name, format := range map[string]configtree.Format{
			"yaml": configtree.YAML, "json": configtree.JSON, "textproto": configtree.Textproto,
		} {
			var b bytes.Buffer
			require.NoError(t, file.Dump(&b, DumpOptions{Format: name}))
			again, err := loadText(b.Bytes(), format)
			require.NoError(t, err, "%s", b.Bytes())
			require.True(t, proto.Equal(l.config, again.config), "%s\nwant %v\ngot  %v", b.Bytes(), l.config, again.config)
		}
	})
}

// hideSecrets does to the secrets outside of chains what a dump does.
func hideSecrets(c *configv1.Config) {
	secrets := []*configv1.Secret{c.GetServer().GetHmacKey(), c.GetServer().GetTls().GetKeyPassword(), c.GetAdmin().GetToken()}
	for _, p := range c.GetProxies() {
		secrets = append(secrets, p.GetHmacKey(), p.GetTls().GetKeyPassword())
	}
	for _, s := range secrets {
		if _, is := s.GetSource().(*configv1.Secret_Value); is {
			s.Source = &configv1.Secret_Value{Value: hidden}
		}
	}
}
