package config_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

// load loads site.yaml, and what else is named, from files.
func load(t *testing.T, files, env map[string]string, opts ...config.LoadOption) *config.File {
	t.Helper()
	write(t, files)
	f, err := config.Load([]string{"site.yaml"}, append(opts, variables(env))...)
	require.NoError(t, err)
	return f
}

// equal compares with a configuration in protobuf's own text format.
func equal(t *testing.T, want string, got *configv1.Config) {
	t.Helper()
	wanted := &configv1.Config{}
	require.NoError(t, prototext.Unmarshal([]byte(want), wanted))
	require.True(t, proto.Equal(wanted, got), "want %v\ngot  %v", wanted, got)
}

// The same configuration as each format has it, and once more as people would rather not write it.
var same = map[string]string{
	"site.yaml": `
server:
  listeners: [{address: "localhost:4242"}]
  limits: &limits {max_message_size: 64MiB, handshake_timeout: 1m30s, max_depth: 0x32}
  serializers:
    - json
    - serpent
  hmac_key: ${KEY}
  chain:
    - recovery
    - rate_limit: {rules: [{rate: 100, per: [principal]}], wait: 250ms}
      name: front
    - token_auth: {principals: {alice: {env: A}, "b.c": {file: /b}}}
services:
  - name: facts
    static: {methods: {a: 1, b: [1.5, x, null, true], c: {d: {}}}}
proxies:
  stock: {uri: "PYRO:x@y:1", dialect: pyro5, limits: {<<: *limits, handshake_timeout: null, max_depth: 7}}
traces: {ratio: 0}
`,
	"site.yml": `
server:
  listeners:
  - address: localhost:4242
  limits:
    maxMessageSize: 67108864
    handshakeTimeout: 90s
    maxDepth: "50"
  serializers: ["json", "serpent"]
  hmacKey: {env: KEY}
  chain:
    middlewares:
    - config: {"@type": type.googleapis.com/pyrokit.config.v1.Recovery}
    - name: front
      config: {"@type": RateLimit, rules: [{rate: 1e2, per: [PER_PRINCIPAL]}], wait: 0.25s}
    - tokenAuth:
        principals:
          alice:
            env: A
          b.c:
            file: /b
services:
- {name: facts, static: {methods: {a: 1, b: [1.5, x, ~, true], c: {d: {}}}}}
proxies: {stock: {uri: 'PYRO:x@y:1', dialect: DIALECT_PYRO5, limits: {max_message_size: 65536KiB, max_depth: 7}}}
traces:
  ratio: 0.0
  endpoint:
`,
	"site.json": `{
	"server": {
		"listeners": [{"address": "localhost:4242"}],
		"limits": {"max_message_size": "64MiB", "handshake_timeout": "90s", "max_depth": 50},
		"serializers": ["json", "serp\u0065nt"],
		"hmac_key": "${KEY}",
		"chain": [
			"recovery",
			{"rate_limit": {"rules": [{"rate": 100, "per": ["principal"]}], "wait": "0.25s"}, "name": "front"},
			{"token_auth": {"principals": {"alice": {"env": "A"}, "b.c": {"file": "/b"}}}}
		]
	},
	"services": [{"name": "facts", "static": {"methods": {"a": 1, "b": [1.5, "x", null, true], "c": {"d": {}}}}}],
	"proxies": {"stock": {"uri": "PYRO:x@y:1", "dialect": "pyro5",
		"limits": {"maxMessageSize": 67108864, "maxDepth": 7}}},
	"traces": {"ratio": 0, "endpoint": null}
}`,
	"site.txtpb": `
# protobuf's own format
server {
  listeners { address: "localhost:" '4242' }
  limits { max_message_size: 67108864 handshake_timeout { seconds: 90 } max_depth: 50 }
  serializers: ["json"]
  serializers: "serpent";
  hmac_key < env: "KEY" >
  chain {
    middlewares { config { [type.googleapis.com/pyrokit.config.v1.Recovery] {} } }
    middlewares {
      name: "front"
      config { [type.googleapis.com/pyrokit.config.v1.RateLimit] { rules { rate: 100 per: PER_PRINCIPAL } wait { nanos: 250000000 } } }
    }
    middlewares { config { [type.googleapis.com/pyrokit.config.v1.TokenAuth] {
      principals { key: "alice" value { env: "A" } }
      principals: [{ key: "b.c" value { file: "\x2fb" } }]
    } } }
  }
}
services {
  name: "facts"
  static {
    methods { key: "a" value { number_value: 1 } }
    methods { key: "b" value { list_value {
      values { number_value: 1.5 } values { string_value: "x" } values { null_value: NULL_VALUE } values { bool_value: true }
    } } }
    methods { key: "c" value { struct_value { fields { key: "d" value { struct_value {} } } } } }
  }
}
proxies { key: "stock" value {
  uri: "PYRO:x@y:1" dialect: DIALECT_PYRO5
  limits { max_message_size: 67108864 max_depth: 7 }
} }
traces { ratio: 0 }
`,
}

func TestFormatsSayTheSame(t *testing.T) {
	write(t, same)
	wanted := &configv1.Config{}
	require.NoError(t, prototext.Unmarshal([]byte(same["site.txtpb"]), wanted))
	for name := range same {
		t.Run(name, func(t *testing.T) {
			f, err := config.Load([]string{name}, variables(nil))
			require.NoError(t, err)
			require.True(t, proto.Equal(wanted, f.Config()), "want %v\ngot  %v", wanted, f.Config())
		})
	}
}

func TestLaterFilesCountMore(t *testing.T) {
	write(t, map[string]string{
		"base.yaml": "server:\n  compression: true\n  serializers: [json, serpent]\n  limits: {max_depth: 50, max_calls: 7}\n" +
			"  hmac_key: {value: x}\n  chain: [recovery, correlation]\n  annotations: {AAAA: base, BBBB: base}\n  drain_timeout: 5s\n",
		"site.yaml": "server:\n  compression: false\n  serializers: [json]\n  limits: {max_depth: 60}\n" +
			"  hmac_key: {env: KEY}\n  chain: [recovery]\n  annotations: {AAAA: site, CCCC: site}\n  drain_timeout: null\n",
	})
	f, err := config.Load([]string{"base.yaml", "site.yaml"}, variables(nil))
	require.NoError(t, err)
	equal(t, `server {
		serializers: "json" limits { max_depth: 60 max_calls: 7 } hmac_key { env: "KEY" }
		annotations { key: "AAAA" value: "site" } annotations { key: "BBBB" value: "base" } annotations { key: "CCCC" value: "site" }
		chain { middlewares { config { [type.googleapis.com/pyrokit.config.v1.Recovery] {} } } }
	}`, f.Config())
	require.Equal(t, []string{"base.yaml", "site.yaml"}, f.Files())
	for path, want := range map[string]string{
		"server.compression":                     "site.yaml:2:16",
		"server.limits.max_depth":                "site.yaml:4:23",
		"server.limits.max_calls":                "base.yaml:4:38",
		"server.hmac_key.env":                    "site.yaml:5:19",
		`server.annotations["BBBB"]`:             "base.yaml:7:35",
		"server.chain[0].recovery":               "site.yaml:6:11",
		"server.chain.middlewares[0].config":     "site.yaml:6:11",
		"server.serializers[0]":                  "site.yaml:3:17",
		"server.chain[0]":                        "site.yaml:6:11",
		"server.annotations":                     "site.yaml:7:3",
		`server.annotations["AAAA"]`:             "site.yaml:7:23",
		"server":                                 "site.yaml:1:1",
		"server.chain.middlewares[0].config.nil": "",
		"server.hmac_key.value":                  "",
		"server.drain_timeout":                   "",
		"server.serializers[1]":                  "",
		"server.chain[1]":                        "",
	} {
		o, set := f.Origin(path)
		require.Equal(t, want != "", set, path)
		if set {
			require.Equal(t, want, o.String(), path)
		}
	}
}

func TestInclude(t *testing.T) {
	f := load(t, map[string]string{
		"site.yaml":        "include: [conf.d/*.yaml, 'none/*.yaml', \"${EXTRA}\", '*.yaml']\nserver: {limits: {max_depth: 3}}\n",
		"conf.d/1.yaml":    "server: {limits: {max_depth: 1, max_calls: 1}}\n",
		"conf.d/2.yaml":    "include: ../more/x.json\nserver: {limits: {max_calls: 2, max_streams: 2}}\n",
		"more/x.json":      `{"server": {"limits": {"max_streams": 9, "max_connections": 9}}}`,
		"extra.txtpb":      "server { compression: true }",
		"conf.d/other.txt": "not read",
	}, map[string]string{"EXTRA": "extra.txtpb"})
	equal(t, `server { compression: true limits { max_depth: 3 max_calls: 2 max_streams: 2 max_connections: 9 } }`, f.Config())
	require.Equal(t, []string{"conf.d/1.yaml", "more/x.json", "conf.d/2.yaml", "extra.txtpb", "site.yaml"}, f.Files())
	require.Equal(t, []string{"conf.d/*.yaml", "none/*.yaml", "*.yaml"}, f.Patterns())
}

func TestIncludesAreBounded(t *testing.T) {
	write(t, map[string]string{
		"a.yaml": "include: b.yaml\n", "b.yaml": "include: a.yaml\n",
		"folder/x.yaml": "", "folder.yaml": "include: folder\n",
	})
	tests := []struct{ file, want string }{
		{"a.yaml", "b.yaml:1:10: include: a.yaml: includes itself"},
		{"folder", "folder: a folder; name its files, such as folder/*.yaml"},
		{"folder.yaml", "folder.yaml:1:10: include: folder: a folder; name its files, such as folder/*.yaml"},
		{"none.yaml", "none.yaml: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			_, err := config.Load([]string{tt.file}, variables(nil))
			require.EqualError(t, err, tt.want)
		})
	}
	deep := map[string]string{}
	for i := range 20 {
		deep["f"+string(rune('a'+i))+".yaml"] = "include: f" + string(rune('b'+i)) + ".yaml\n"
	}
	write(t, deep)
	_, err := config.Load([]string{"fa.yaml"}, variables(nil))
	require.EqualError(t, err, "fp.yaml:1:10: include: fq.yaml: more than 16 files, each included by the one before")

	// Each file includes the next one twice: 65,536 reads, if nobody counted.
	for name, text := range deep {
		deep[name] = text + "#\n"
		deep[name] = strings.Replace(deep[name], ": ", ": [", 1)
		included := deep[name][strings.Index(deep[name], "[")+1 : strings.Index(deep[name], "\n")]
		deep[name] = "include: [" + included + ", " + included + "]\n"
	}
	deep["fo.yaml"] = ""
	write(t, deep)
	_, err = config.Load([]string{"fa.yaml"}, variables(nil))
	require.ErrorContains(t, err, "more than 256 files are read")
}

func TestReferences(t *testing.T) {
	f := load(t, map[string]string{
		"site.yaml": `
log: {output: "${DIR}/a $${DIR} $DIR ${NONE:-x:-y} ${EMPTY:-z}${file:suffix}"}
server:
  limits: {max_depth: "${DEPTH}", max_message_size: "${SIZE:-1KiB}"}
  compression: ${ON}
  prefer_ip: ${IP}
  drain_timeout: ${DRAIN}
  serializers: ["${ONE}"]
`,
		"suffix": ".log\n",
	}, map[string]string{
		"DIR": "/var/${log}", "EMPTY": "", "DEPTH": "12", "ON": "true", "IP": "4", "DRAIN": "1m", "ONE": "json",
	})
	equal(t, `log { output: "/var/${log}/a ${DIR} $DIR x:-y z.log" }
		server { limits { max_depth: 12 max_message_size: 1024 } compression: true prefer_ip: IP_VERSION_4
			drain_timeout { seconds: 60 } serializers: "json" }`, f.Config())
	o, _ := f.Origin("server.limits.max_depth")
	require.Equal(t, "site.yaml:4:23, ${DEPTH}", o.String())
}

func TestSecrets(t *testing.T) {
	f := load(t, map[string]string{"site.yaml": `
server: {hmac_key: "${KEY}"}
proxies:
  a: {uri: "PYRO:x@y:1", hmac_key: "${file:/run/key}"}
  b: {uri: "PYRO:x@y:1", hmac_key: {value: "p$${w"}}
`}, nil)
	equal(t, `server { hmac_key { env: "KEY" } }
		proxies { key: "a" value { uri: "PYRO:x@y:1" hmac_key { file: "/run/key" } } }
		proxies { key: "b" value { uri: "PYRO:x@y:1" hmac_key { value: "p${w" } } }`, f.Config())
}

func TestSet(t *testing.T) {
	f := load(t, map[string]string{"site.yaml": `
server:
  listeners: [{address: "a:1"}, {address: "b:2"}]
  chain: [recovery, {rate_limit: {rules: [{rate: 1}, {rate: 2}]}}]
  compression: true
`}, map[string]string{"PYRO_COMPRESSION": "on", "PYRO_THREADPOOL_SIZE": "9"}, config.Set(
		"server.limits.max_connections=8",
		"server.listeners[1].address=[::1]:80",
		"server.listeners[2]={address: c:3, network: tcp}",
		"server.chain[1].rate_limit.rules[1].rate=3",
		"server.chain[1].rate_limit.wait=1s",
		"server.chain[1].name=front",
		"server.chain[2].timeout.default=5s",
		"server.chain[3].correlation=",
		"server.compression=",
		"server.annotations.ABCD=5",
		"server.serializers=[json, serpent]",
		"server.serializers[1]=marshal",
		"proxies.stock.uri=PYRO:x@y:1",
		`proxies["a.b"].uri=PYRO:x@y:2`,
		"log.output=007",
	))
	equal(t, `
		log { output: "007" }
		server {
			listeners { address: "a:1" } listeners { address: "[::1]:80" } listeners { address: "c:3" network: "tcp" }
			limits { max_connections: 8 }
			serializers: "json" serializers: "marshal"
			annotations { key: "ABCD" value: "5" }
			chain {
				middlewares { config { [type.googleapis.com/pyrokit.config.v1.Recovery] {} } }
				middlewares { name: "front" config { [type.googleapis.com/pyrokit.config.v1.RateLimit] {
					rules { rate: 1 } rules { rate: 3 } wait { seconds: 1 } } } }
				middlewares { config { [type.googleapis.com/pyrokit.config.v1.Timeout] { default { seconds: 5 } } } }
				middlewares { config { [type.googleapis.com/pyrokit.config.v1.Correlation] {} } }
			}
		}
		proxies { key: "stock" value { uri: "PYRO:x@y:1" } }
		proxies { key: "a.b" value { uri: "PYRO:x@y:2" } }`, f.Config())
	o, _ := f.Origin("server.chain[1].rate_limit.rules[1].rate")
	require.Equal(t, "--set", o.String())
	o, _ = f.Origin("server.chain[1].rate_limit.rules[0].rate")
	require.Equal(t, "site.yaml:4:50", o.String())
}

func TestSetSaysWhatIsWrong(t *testing.T) {
	text := map[string]string{"site.yaml": "server: {chain: [recovery, {timeout: {default: 1s}}], serializers: [json]}\n"}
	tests := []struct{ set, want string }{
		{"server.chain[1].rate_limit.wait=1s", "server.chain[1].rate_limit: the entry is another middleware: Timeout"},
		{"server.chain[2].rate_limt.wait=1s", "server.chain[2]: unknown middleware rate_limt; did you mean rate_limit?"},
		{"server.chain[1].timeout.x=1s", "server.chain[1].timeout.x: unknown field; the fields are default and rules"},
		{"server.serializers[0].x=1", "server.serializers[0]: has no fields in it"},
		{"server.compression.x=1", "server.compression: has no fields in it"},
		{"server.annotations.ABCD.x=1", `server.annotations["ABCD"]: has no fields in it`},
		{"server.hmac_key={value: hunter2", "server.hmac_key: did not find expected ',' or '}'"},
		{"server.listeners=x", `server.listeners: want a list, found "x"; begin each item with a dash`},
		{`proxies["a=1`, `proxies["a: want a path such as server.listeners[0].address or proxies["stock"].timeout`},
	}
	for _, tt := range tests {
		t.Run(tt.set, func(t *testing.T) {
			write(t, text)
			_, err := config.Load([]string{"site.yaml"}, variables(nil), config.Set(tt.set))
			require.EqualError(t, err, "--set: "+tt.want)
		})
	}
}

func TestPyroVariables(t *testing.T) {
	text := map[string]string{"site.yaml": `
server: {listeners: [{}, {address: "h:1", advertise: a}, {network: unix, address: /s}], compression: true}
name_server: {}
proxies: {a: {uri: "PYRO:x@y:1", timeout: 9s}}
`}
	env := map[string]string{
		"PYRO_HOST": "0.0.0.0", "PYRO_NATHOST": "nat", "PYRO_NATPORT": "7", "PYRO_NS_HOST": "ns", "PYRO_NS_PORT": "",
		"PYRO_COMMTIMEOUT": "2.5", "PYRO_COMPRESSION": "off", "PYRO_SERPENT_BYTES_REPR": "on", "PYRO_MAX_MESSAGE_SIZE": "1000",
		"PYRO_PREFER_IP_VERSION": "6", "PYRO_PICKLE_PROTOCOL_VERSION": "-1", "PYRO_DETAILED_TRACEBACK": "1",
		"PYRO_ITER_STREAMING": "no", "PYRO_ITER_STREAM_LIFETIME": "60", "PYRO_ITER_STREAM_LINGER": "-1",
		"PYRO_ONEWAY_THREADED": "off", "PYRO_THREADPOOL_SIZE": "77", "PYRO_SERIALIZERS_ACCEPTED": "json, marshal",
		"PYRO_SERIALIZER": "json", "PYRO_METADATA": "off", "PYRO_MAX_RETRIES": "2", "PYRO_NS_LOOKUP_DELAY": "3",
		"PYRO_NS_AUTOCLEAN": "5", "PYRO_NS_BCPORT": "9999", "PYRO_LOGLEVEL": "WARNING", "PYRO_LOGFILE": "{stderr}",
		"PYRO_SSL": "1", "PYRO_SSL_SERVERCERT": "s.pem", "PYRO_SSL_SERVERKEYPASSWD": "hunter2", "PYRO_SSL_CACERTS": "ca.pem",
		"PYRO_SSL_REQUIRECLIENTCERT": "1",
	}
	f := load(t, text, env)
	shared := `compression: false prefer_ip: IP_VERSION_6 values { bytes_repr: true pickle_protocol: 5 }`
	ofServer := shared + ` limits { max_message_size: 1000 idle_timeout { seconds: 2 nanos: 500000000 } max_connections: 77 }
		streams { disabled: true lifetime { seconds: 60 } linger {} }
		oneway_in_order: true detailed_traceback: true serializers: ["json", "marshal"]
		tls { cert: "s.pem" key_password { env: "PYRO_SSL_SERVERKEYPASSWD" } ca: "ca.pem" require_client_cert: true }`
	equal(t, `
		log { level: LEVEL_WARN output: "stderr" }
		server { `+ofServer+`
			listeners { address: "0.0.0.0:0" advertise: "nat:7" }
			listeners { address: "h:1" advertise: "a" }
			listeners { network: "unix" address: "/s" }
		}
		name_server { autoclean { seconds: 5 } broadcast { address: ":9999" }
			server { `+ofServer+` listeners { address: "ns:9090" advertise: "nat:7" } } }
		proxies { key: "a" value { `+shared+` limits { max_message_size: 1000 } uri: "PYRO:x@y:1" serializer: "json"
			timeout { seconds: 2 nanos: 500000000 } connect_timeout { seconds: 2 nanos: 500000000 }
			no_metadata: true max_retries: 2 lookup_delay { seconds: 3 } tls { ca: "ca.pem" system_roots: true } } }`, f.Config())
	o, _ := f.Origin("server.limits.max_connections")
	require.Equal(t, "environment PYRO_THREADPOOL_SIZE", o.String())

	// They make nothing that the configuration does not have.
	f = load(t, map[string]string{"site.yaml": "reload: {watch: true}\n"}, map[string]string{"PYRO_COMPRESSION": "on", "PYRO_SSL": "1"})
	equal(t, `reload { watch: true }`, f.Config())
}

func TestPyroVariablesThatMakeNoSense(t *testing.T) {
	write(t, map[string]string{"site.yaml": "server: {}\n"})
	_, err := config.Load([]string{"site.yaml"}, variables(map[string]string{
		"PYRO_LOGLEVEL": "LOUD", "PYRO_NATPORT": "7", "PYRO_SERIALIZERS_ACCEPTED": "json,yaml",
	}))
	require.EqualError(t, err, "environment PYRO_LOGLEVEL: want DEBUG, INFO, WARNING, ERROR or CRITICAL, found \"LOUD\"\n"+
		"environment PYRO_NATPORT: needs PYRO_NATHOST\n"+
		"environment PYRO_SERIALIZERS_ACCEPTED: server.serializers[1]: want serpent, json, marshal, msgpack, pickle, "+
		"cloudpickle or dill, found \"yaml\"")
}

func TestFilesOfTheEnvironment(t *testing.T) {
	write(t, map[string]string{"a.yaml": "log: {level: debug}\n", "b.yaml": "log: {level: warn}\n"})
	f, err := config.Load(nil, variables(map[string]string{"PYROKIT_CONFIG": "a.yaml" + string(os.PathListSeparator) + "b.yaml"}))
	require.NoError(t, err)
	equal(t, `log { level: LEVEL_WARN }`, f.Config())
	_, err = config.Load(nil, variables(nil))
	require.EqualError(t, err, "no configuration file; name one, or set PYROKIT_CONFIG")
}

func TestChecksAreLocated(t *testing.T) {
	write(t, map[string]string{"site.yaml": "server:\n  chain:\n    - timeout: {default: 5s}\n  limits: {max_depth: 7}\n"})
	cause := errors.New("too deep")
	_, err := config.Load([]string{"site.yaml"}, variables(nil), config.Check(func(*configv1.Config) error {
		return errors.Join(
			&config.FieldError{Path: "server.limits.max_depth", Err: cause},
			&config.FieldError{Path: "server.chain.middlewares[0].config.default", Err: errors.New("too long")},
			&config.FieldError{Path: "server.chain[0].timeout.rules[3].limit", Err: errors.New("missing")},
			errors.New("something else"),
		)
	}))
	require.EqualError(t, err, "site.yaml:3:7: server.chain[0].timeout.rules[3].limit: missing\n"+
		"site.yaml:3:26: server.chain[0].timeout.default: too long\n"+
		"site.yaml:4:23: server.limits.max_depth: too deep\n"+
		"something else")
	require.ErrorIs(t, err, cause)
}

func TestManyErrorsAreCounted(t *testing.T) {
	write(t, map[string]string{"site.yaml": "server:\n" + manyFields(300)})
	_, err := config.Load([]string{"site.yaml"}, variables(nil))
	var all config.Errors
	require.ErrorAs(t, err, &all)
	require.Len(t, all, 101)
	require.EqualError(t, all[100], "and 200 more errors")
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  zzzzzzzz" + strings.Repeat("q", i+1) + ": 1\n")
	}
	return b.String()
}

func TestWhatIsFoundTwiceIsSaidOnce(t *testing.T) {
	write(t, map[string]string{"site.yaml": "log: {level: info}\n"})
	f, err := config.Load([]string{"site.yaml"}, variables(nil))
	require.NoError(t, err)
	wrong := func(path string) error { return &config.FieldError{Path: path, Err: errors.New("no")} }
	require.EqualError(t, f.Locate(errors.Join(wrong("log.level"), wrong("log.level"), wrong("log.output"))),
		"site.yaml:1:1: log.output: no\nsite.yaml:1:14: log.level: no")
}

func TestCertificatesThatNobodyIsAskedFor(t *testing.T) {
	const wants = "[0]: clients are asked for no certificate: set require_client_cert or request_client_cert of the server's tls"
	for text, want := range map[string]string{
		"server: {chain: [certificate_auth]}":                                                      "site.yaml:1:18: server.chain" + wants,
		"name_server: {server: {tls: {cert: c}, chain: [any_auth: {methods: [certificate: {}]}]}}": "site.yaml:1:48: name_server.server.chain" + wants,
		"server: {tls: {cert: c, ca: [c], require_client_cert: true}, chain: [certificate_auth]}":  "",
		"server: {tls: {cert: c, ca: [c], request_client_cert: true}, chain: [certificate_auth]}":  "",
		"server: {tls: {cert: c, ca: [c], peer: {country: [NL]}}, chain: [certificate_auth]}":      "",
		"server: {chain: [any_auth: {methods: [token: {principals: {a: {env: A}}}]}]}":             "",
	} {
		write(t, map[string]string{"site.yaml": text})
		f, err := config.Load([]string{"site.yaml"}, variables(nil))
		require.NoError(t, err, text)
		if want == "" {
			require.Empty(t, f.Warnings(), text)
			continue
		}
		require.Len(t, f.Warnings(), 1, text)
		require.EqualError(t, f.Warnings()[0], want, text)
	}
}
