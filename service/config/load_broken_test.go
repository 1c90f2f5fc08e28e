package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/config"
)

// variables looks up what a map has.
func variables(m map[string]string) config.LoadOption {
	return config.Environ(func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	})
}

// write makes files in a folder of their own, which becomes the working directory.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if dir, _, is := strings.Cut(name, "/"); is {
			require.NoError(t, os.MkdirAll(dir, 0o700))
		}
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// Each of these is wrong in one place, or in as many as errors are wanted.
var broken = []struct {
	name string
	text string            // of site.yaml, or of the file below
	file string            // "" is site.yaml
	env  map[string]string // variables
	set  []string
	want string
}{
	// syntax
	{
		name: "tab", text: "server:\n\tlimits: {}\n",
		want: "site.yaml:2:1: a tab: indent with spaces",
	},
	{
		name: "colon in a text", text: "log: a: b\n",
		want: "site.yaml:1:7: mapping values are not allowed in this context: quote a text with a colon in it, or begin a new line",
	},
	{name: "special character", text: "log: {output: @x}\n", want: "site.yaml:1:15: no value begins with '@': quote the text"},
	{name: "bracket", text: "server:\n  serializers: [json\nlog: {}\n", want: "site.yaml:3:4: did not find expected ',' or ']'"},
	{
		name: "variable in braces", text: "log: {output: ${FILE}}\n",
		want: "site.yaml:1:16: did not find expected ',' or '}': within {} and [] write \"${NAME}\" with quotes",
	},
	{
		name: "twice", text: "log:\n  level: info\nlog: {}\n",
		want: "site.yaml:3:1: log is here for the second time, the first is at 1:1",
	},
	{
		name: "indentation", text: "server:\n  limits:\n    max_depth: 5\n   compression: true\n",
		want: "site.yaml:4:4: did not find expected key: is the line indented like those that it belongs to?",
	},
	{name: "two documents", text: "log: {}\n---\nlog: {}\n", want: "site.yaml:2:1: a second document: only one a file"},
	{
		name: "unknown anchor", text: "log: *hunter2\n",
		want: "site.yaml:1:6: nothing has the name that follows the *: quote a text that begins with it",
	},
	{name: "circle", text: "log: &a {level: *a}\n", want: "site.yaml:1:17: *a is inside of what it stands for"},
	{name: "list", text: "- log\n", want: "site.yaml:1:1: want fields and their values, found a list"},
	{name: "tag", text: "log: !!set {a}\n", want: "site.yaml:1:6: the tag !!set means nothing here"},
	{name: "not UTF-8", text: "log:\n  output: a\xffb\n", want: "site.yaml:2:12: not UTF-8"},
	{
		name: "JSON", file: "site.json", text: "{\n  \"log\": {\"level\": \"info\",}\n}",
		want: "site.json:2:27: invalid character '}' looking for beginning of object key string",
	},
	{name: "JSON ends", file: "site.json", text: "{\"log\": {", want: "site.json:1:10: the text ends too early"},
	{name: "JSON goes on", file: "site.json", text: "{}\n{}", want: "site.json:2:1: more text after the end of the value"},
	{
		name: "JSON twice", file: "site.json", text: "{\"log\": {},\n \"log\": {}}",
		want: "site.json:2:2: log is here for the second time, the first is at 1:2",
	},
	{name: "empty JSON", file: "site.json", text: "\n", want: "site.json:1:1: empty: want {}"},
	{name: "textproto", file: "site.txtpb", text: "log {\n  level = 1\n}\n", want: `site.txtpb:2:9: want a colon or {, found '='`},
	{name: "textproto ends", file: "site.txtpb", text: "log {\n", want: "site.txtpb:2:1: want }, found the end of the text"},
	{
		name: "textproto text", file: "site.txtpb", text: "log { output: \"a\n\" }",
		want: "site.txtpb:1:15: the text has no end on its line",
	},
	{
		name: "textproto twice", file: "site.txtpb", text: "log { source: true\nsource: true }",
		want: "site.txtpb:2:1: log.source: set twice, the first time at 1:7",
	},
	// names
	{
		name: "misspelt", text: "server:\n  limits:\n    max_dept: 5\n",
		want: "site.yaml:3:5: server.limits.max_dept: unknown field; did you mean max_depth?",
	},
	{
		name: "with hyphens", text: "server:\n  drain-timeout: 5s\n",
		want: "site.yaml:2:3: server.drain-timeout: unknown field; did you mean drain_timeout?",
	},
	{
		name: "a level too high", text: "server:\n  max_connections: 5\n",
		want: "site.yaml:2:3: server.max_connections: unknown field; did you mean limits.max_connections?",
	},
	{
		name: "strange", text: "reload: {every: 5s}\n",
		want: "site.yaml:1:10: reload.every: unknown field; the fields are watch",
	},
	{name: "of the root", text: "servers: {}\n", want: "site.yaml:1:1: servers: unknown field; did you mean server?"},
	{
		name: "in both cases", text: "server: {drain_timeout: 5s, drainTimeout: 6s}\n",
		want: "site.yaml:1:29: server.drain_timeout: set twice, the first time at 1:10",
	},
	{
		name: "JSON misspelt", file: "site.json", text: "{\"server\": {\n\t\"limts\": {}}}",
		want: "site.json:2:2: server.limts: unknown field; did you mean limits?",
	},
	{
		name: "textproto misspelt", file: "site.txtpb", text: "server { limts {} }",
		want: "site.txtpb:1:10: server.limts: unknown field; did you mean limits?",
	},
	// types
	{
		name: "text for a number", text: "server: {limits: {max_depth: deep}}\n",
		want: `site.yaml:1:30: server.limits.max_depth: want a whole number, found "deep"`,
	},
	{
		name: "fraction", text: "server: {limits: {max_depth: 1.5}}\n",
		want: "site.yaml:1:30: server.limits.max_depth: want a whole number, found 1.5",
	},
	{
		name: "octal", text: "server: {limits: {max_depth: 010}}\n",
		want: "site.yaml:1:30: server.limits.max_depth: want a number without a zero in front, found 010",
	},
	{
		name: "too large", text: "server: {limits: {max_depth: 3000000000}}\n",
		want: "site.yaml:1:30: server.limits.max_depth: want a whole number from -2147483648 to 2147483647, found 3000000000",
	},
	{
		name: "number for a text", text: "proxies: {a: {uri: 5}}\n",
		want: `site.yaml:1:20: proxies["a"].uri: want a text, found 5; write "5"`,
	},
	{
		name: "yes", text: "server: {compression: yes}\n",
		want: `site.yaml:1:23: server.compression: want true or false, found "yes"; write true`,
	},
	{
		name: "no unit", text: "server: {drain_timeout: 10}\n",
		want: `site.yaml:1:25: server.drain_timeout: want a time such as "10s" or "1m30s", found 10; write "10s" for seconds`,
	},
	{
		name: "days", text: "server: {drain_timeout: 2d}\n",
		want: `site.yaml:1:25: server.drain_timeout: want a time such as "10s" or "1m30s", found "2d"; write "48h"`,
	},
	{
		name: "size", text: "server: {limits: {max_message_size: 64M}}\n",
		want: `site.yaml:1:37: server.limits.max_message_size: want a number of bytes such as 65536 or "64MiB", found "64M"; ` +
			"write 64MiB or 64MB",
	},
	{
		name: "half a byte", text: "server: {limits: {max_message_size: 0.3KiB}}\n",
		want: `site.yaml:1:37: server.limits.max_message_size: want a whole number of bytes, found "0.3KiB"`,
	},
	{
		name: "enum", text: "log: {level: wran}\n",
		want: `site.yaml:1:14: log.level: want debug, info, warn or error, found "wran"; did you mean warn?`,
	},
	{
		name: "scalar for a list", text: "server:\n  serializers: json\n",
		want: `site.yaml:2:16: server.serializers: want a list, found "json"; write ["json"]`,
	},
	{
		name: "map for a list", text: "server:\n  listeners:\n    address: localhost:1\n",
		want: "site.yaml:3:5: server.listeners: want a list, found a map; begin each item with a dash",
	},
	{
		name: "list for a map", text: "server:\n  limits: [1]\n",
		want: "site.yaml:2:11: server.limits: want a map of fields, found a list; the fields are max_message_size, " +
			"max_inflated_size, max_depth, max_connections, handshake_timeout, max_streams, write_timeout, idle_timeout, max_calls and max_unsent_size",
	},
	{
		name: "null in a list", text: "server: {serializers: [json, null]}\n",
		want: "site.yaml:1:30: server.serializers[1]: want a text, found null",
	},
	{
		name: "not a number", text: "traces: {ratio: .nan}\n",
		want: "site.yaml:1:17: traces.ratio: want a number, found .nan",
	},
	{
		name: "inexact", text: "services: [{name: a, static: {methods: {b: 9007199254740993}}}]\n",
		want: `site.yaml:1:44: services[0].static.methods["b"]: want a whole number of at most 2^53, found 9007199254740993; ` +
			"write it as a text",
	},
	{
		name: "no value", file: "site.txtpb", text: "services { name: 'a' static { methods { key: 'b' value {} } } }",
		want: `site.txtpb:1:56: services[0].static.methods["b"]: want one of null_value, number_value, string_value, ` +
			"bool_value, struct_value or list_value",
	},
	// rules
	{
		name: "a server's limit", text: "proxies: {a: {uri: 'PYRO:o@h:1', limits: {max_unsent_size: 1MiB}}}\n",
		want: "site.yaml:1:11: proxies[\"a\"]: limits: of a proxy's connections there are max_message_size, max_inflated_size and max_depth",
	},
	{
		name: "below", text: "server:\n  limits:\n    max_depth: -3\n",
		want: "site.yaml:3:16: server.limits.max_depth: want 0 to 10000, found -3",
	},
	{
		name: "time below", text: "proxies:\n  a: {uri: 'PYRO:x@y:1', timeout: -1s}\n",
		want: `site.yaml:2:35: proxies["a"].timeout: want 0s or more, found -1s`,
	},
	{
		name: "not in", text: "server:\n  serializers: [json, yaml]\n",
		want: "site.yaml:2:23: server.serializers[1]: want serpent, json, marshal, msgpack, pickle, cloudpickle or dill, " +
			`found "yaml"`,
	},
	{
		name: "pattern", text: "traces: {endpoint: localhost}\n",
		want: `site.yaml:1:20: traces.endpoint: want a text that fits ^(https?://.+)?$, found "localhost"`,
	},
	{
		name: "key of a map", text: "server: {annotations: {ABC: x}}\n",
		want: `site.yaml:1:29: server.annotations["ABC"]: want a text of 4 characters, found "ABC"`,
	},
	{
		name: "no kind", text: "services:\n  - name: a\n",
		want: "site.yaml:2:5: services[0]: want one of echo or static",
	},
	{
		name: "two kinds", text: "services:\n  - name: a\n    echo: {}\n    static: {}\n",
		want: "site.yaml:4:5: services[0]: static and echo (3:5) exclude each other: want one of echo or static",
	},
	{
		name: "required", text: "server:\n  announce:\n    - instance: true\n",
		want: "site.yaml:3:7: server.announce[0].directory: has to be set",
	},
	{
		name: "together", text: "server:\n  allow_unsigned_pyro5: true\n",
		want: "site.yaml:1:1: server: allow_unsigned_pyro5 without hmac_key: there is nothing to sign",
	},
	// chains
	{
		name: "unknown middleware", text: "server:\n  chain:\n    - recovery\n    - rate_limt: {}\n",
		want: "site.yaml:4:7: server.chain[1]: unknown middleware rate_limt; did you mean rate_limit?",
	},
	{
		name: "unknown field of a middleware", text: "server:\n  chain:\n    - rate_limit: {rule: []}\n",
		want: "site.yaml:3:20: server.chain[0].rate_limit.rule: unknown field; did you mean rules?",
	},
	{
		name: "two middlewares in one", text: "server:\n  chain:\n    - recovery:\n      correlation:\n",
		want: "site.yaml:4:7: server.chain[0]: correlation and recovery (3:7) in one entry: want one middleware; " +
			"begin each with a dash",
	},
	{
		name: "settings that are not indented", text: "server:\n  chain:\n    - rate_limit:\n      rules: []\n",
		want: "site.yaml:4:7: server.chain[0]: rules and rate_limit (3:7) in one entry: want one middleware; " +
			"indent rules further than rate_limit",
	},
	{
		name: "one middleware", text: "server:\n  chain: recovery\n",
		want: `site.yaml:2:10: server.chain: want a list, found "recovery"; write [recovery]`,
	},
	{
		name: "only a name", text: "server:\n  chain:\n    - name: x\n",
		want: `site.yaml:3:7: server.chain[0]: no middleware: want its name and settings, such as "timeout: {default: 5s}"`,
	},
	{
		name: "unknown message", text: "server:\n  chain:\n    - config: {\"@type\": RateLimits}\n",
		want: `site.yaml:3:25: server.chain[0].config: unknown message "RateLimits"; did you mean RateLimit?`,
	},
	{
		name: "no type", text: "server:\n  chain:\n    - config: {rules: []}\n",
		want: `site.yaml:3:15: server.chain[0].config: no "@type", which names the message, such as "@type": Timeout`,
	},
	{
		name: "map for a chain", text: "server:\n  chain:\n    recovery: {}\n",
		want: "site.yaml:3:5: server.chain.recovery: unknown field; a chain is a list: begin each middleware with a dash",
	},
	{
		name: "at the wrong end", text: "server:\n  chain:\n    - retry\n",
		want: "site.yaml:3:7: server.chain[0]: retry: has no meaning on a server",
	},
	{
		name: "too many", text: "server:\n  chain: [" + strings.Repeat("recovery, ", 101) + "]\n",
		want: "site.yaml:2:3: server.chain: want at most 100 items, found 101 items",
	},
	// secrets
	{
		name: "secret as a text", text: "server:\n  hmac_key: hunter2\n",
		want: `site.yaml:2:13: server.hmac_key: want {env: NAME}, {file: PATH} or {value: TEXT}, or "${NAME}" or "${file:PATH}"`,
	},
	{
		name: "secret of the wrong type", text: "server:\n  hmac_key: {value: 1234}\n",
		want: "site.yaml:2:21: server.hmac_key.value: want a text, found something else",
	},
	{
		name: "two sources", text: "server:\n  hmac_key: {value: hunter2, env: X}\n",
		want: "site.yaml:2:30: server.hmac_key: env and value (2:14) exclude each other: want one of value, env or file",
	},
	// references
	{
		name: "not set", text: "log: {output: '${NOWHERE}'}\n",
		want: "site.yaml:1:15: log.output: the variable NOWHERE is not set, and has no default as in ${NOWHERE:-DEFAULT}",
	},
	{
		name: "not closed", text: "log: {output: '${X'}\n",
		want: "site.yaml:1:15: log.output: want ${NAME}, ${NAME:-DEFAULT} or ${file:PATH}; ${ itself is written $${",
	},
	{
		name: "value of a variable is not shown", text: "server: {limits: {max_depth: \"${DEPTH}\"}}\n",
		env:  map[string]string{"DEPTH": "hunter2"},
		want: "site.yaml:1:30: server.limits.max_depth: want a whole number, found the value of ${DEPTH}",
	},
	{
		name: "nor by rules", text: "server: {limits: {max_depth: \"${DEPTH}\"}}\n",
		env:  map[string]string{"DEPTH": "-77"},
		want: "site.yaml:1:30: server.limits.max_depth: want 0 to 10000, found the value of ${DEPTH}",
	},
	{
		name: "no file", text: "log: {output: '${file:nowhere}'}\n",
		want: "site.yaml:1:15: log.output: ${file:nowhere}: no such file or directory",
	},
	// include
	{
		name: "missing", text: "include: [other.yaml]\n",
		want: "site.yaml:1:11: include: other.yaml: no such file or directory",
	},
	{name: "itself", text: "include: site.yaml\n", want: "site.yaml:1:10: include: site.yaml: includes itself"},
	{name: "a map", text: "include: {a: b}\n", want: "site.yaml:1:10: include: want a list of files, found a map"},
	{name: "format", file: "site.conf", text: "", want: "site.conf: the name has to end in .yaml, .yml, .json, .textproto or .txtpb"},
	// environment and flags
	{
		name: "variable", text: "server: {}\n", env: map[string]string{"PYRO_COMMTIMEOUT": "soon"},
		want: "environment PYRO_COMMTIMEOUT: PYRO_COMMTIMEOUT=soon: want seconds",
	},
	{
		name: "variable by rules", text: "server: {}\n", env: map[string]string{"PYRO_THREADPOOL_SIZE": "-1"},
		want: "environment PYRO_THREADPOOL_SIZE: server.limits.max_connections: want 0 to 16777216, found -1",
	},
	{
		name: "flag", text: "server: {}\n", set: []string{"server.limits.max_dept=5"},
		want: "--set: server.limits.max_dept: unknown field; did you mean max_depth?",
	},
	{
		name: "index", text: "server: {}\n", set: []string{"server.listeners[1].address=x"},
		want: `--set: server.listeners: want an index, found "1", and there are 0 items; [0] is a new one`,
	},
	{name: "no value", text: "server: {}\n", set: []string{"server.compression"}, want: "--set: server.compression: want PATH=VALUE"},
	{
		name: "path", text: "server: {}\n", set: []string{"server..x=1"},
		want: `--set: server..x: want a path such as server.listeners[0].address or proxies["stock"].timeout`,
	},
	{
		name: "secret in a flag", text: "server: {}\n", set: []string{"server.hmac_key=hunter2"},
		want: `--set: server.hmac_key: want {env: NAME}, {file: PATH} or {value: TEXT}, or "${NAME}" or "${file:PATH}"`,
	},
	{
		name: "include in a flag", text: "server: {}\n", set: []string{"include=[a.yaml]"},
		want: "--set: include: name the file as an argument",
	},
	// places and names
	{
		name: "no port", text: "server: {listeners: [{network: unix, address: /s}, {address: 127.0.0.1}]}\n",
		want: "site.yaml:1:62: server.listeners[1].address: want HOST:PORT: missing port in address",
	},
	{
		name: "no such port", text: "name_server: {server: {listeners: [{address: ':99999'}]}}\n",
		want: "site.yaml:1:46: name_server.server.listeners[0].address: want a port from 0 to 65535, or the name of a known one",
	},
	{
		name: "admin without a port", text: "admin: {address: '${ADMIN}'}\n", env: map[string]string{"ADMIN": "hunter2"},
		want: "site.yaml:1:18: admin.address: want HOST:PORT: missing port in address",
	},
	{
		name: "an address twice", text: "server: {listeners: [{address: 'localhost:4242'}, {address: 'localhost:4242'}]}\nadmin: {address: 'localhost:4242'}\n",
		want: "site.yaml:1:61: server.listeners[1].address: server.listeners[0].address is the same: want another port\n" +
			"site.yaml:2:18: admin.address: server.listeners[0].address is the same: want another port",
	},
	{
		name: "admin for everybody", text: "admin: {address: '0.0.0.0:9180'}\n",
		want: "site.yaml:1:18: admin.address: is for other machines, too, which allow_remote has to allow",
	},
	{
		name: "admin on all addresses", text: "admin: {address: ':0'}\n",
		want: "site.yaml:1:18: admin.address: is for other machines, too, which allow_remote has to allow",
	},
	{
		name: "services of the same name", text: "services: [{name: a, echo: {}}, {name: b, echo: {}}, {name: a, echo: {}}]\n",
		want: "site.yaml:1:61: services[2].name: services[0] has this name, too: want another one",
	},
	{
		name: "the server's name", text: "services: [{name: Pyro.Daemon, echo: {}}]\n",
		want: "site.yaml:1:19: services[0].name: is the name of the server's own object: want another one",
	},
	{
		name: "an enum's value for nothing", text: "server: {chain: [{rate_limit: {rules: [{rate: 1, per: [unspecified]}]}}]}\n",
		want: "site.yaml:1:56: server.chain[0].rate_limit.rules[0].per[0]: want principal, object or method",
	},
	// what only building it finds
	{
		name: "a unix socket without a path", text: "server: {listeners: [{network: unix}]}\n",
		want: "site.yaml:1:22: server.listeners[0].address: has to be set: the path of the socket",
	},
	{
		name: "a port of an unknown name", text: "server: {listeners: [{address: 'localhost:http-foo'}]}\n",
		want: "site.yaml:1:32: server.listeners[0].address: want a port from 0 to 65535, or the name of a known one",
	},
	{
		name: "admin on a port of an unknown name", text: "admin: {address: 'localhost:http-foo'}\n",
		want: "site.yaml:1:18: admin.address: want a port from 0 to 65535, or the name of a known one",
	},
	{
		name: "admin on another host", text: "admin: {address: 'example.org:1'}\n",
		want: "site.yaml:1:18: admin.address: is for other machines, too, which allow_remote has to allow",
	},
	{
		name: "a responder's address", text: "name_server: {broadcast: {address: ':http-foo'}}\n",
		want: "site.yaml:1:36: name_server.broadcast.address: want a port from 0 to 65535, or the name of a known one",
	},
	{
		name: "a responder without a port", text: "name_server: {broadcast: {address: h}}\n",
		want: "site.yaml:1:36: name_server.broadcast.address: want HOST:PORT: missing port in address",
	},
	{
		name: "IPv4 where IPv6 is wanted", text: "server: {listeners: [{network: tcp6, address: '127.0.0.1:0'}]}\n",
		want: "site.yaml:1:47: server.listeners[0].address: is no address for network tcp6",
	},
	{
		name: "IPv6 where IPv4 is wanted", text: "server: {listeners: [{network: tcp4, address: '[::1]:0'}]}\n",
		want: "site.yaml:1:47: server.listeners[0].address: is no address for network tcp4",
	},
	{
		name: "an address that no URI carries", text: "server: {listeners: [{advertise: 'h:abc'}]}\n",
		want: "site.yaml:1:34: server.listeners[0].advertise: want HOST or HOST:PORT, as URIs can carry it",
	},
	{
		name: "a host that no URI carries", text: "name_server: {nat_host: a b}\n",
		want: "site.yaml:1:25: name_server.nat_host: want HOST or HOST:PORT, as URIs can carry it",
	},
	{
		name: "a server's certificate", text: "server: {tls: {}}\n",
		want: "site.yaml:1:10: server.tls.cert: has to be set: a TLS server needs a certificate",
	},
	{
		name: "a client's setting on a server", text: "admin: {tls: {cert: c, server_name: h}}\n",
		want: "site.yaml:1:37: admin.tls.server_name: it is for what connects, and this listens",
	},
	{
		name: "a server's setting on a client", text: "client: {tls: {require_client_cert: true}}\n",
		want: "site.yaml:1:37: client.tls.require_client_cert: it is for what listens, and this connects",
	},
	{
		name: "no authority", text: "server: {tls: {cert: c, peer: {country: [NL]}}}\n",
		want: "site.yaml:1:10: server.tls.ca: has to be set: client certificates are asked for, and there is nothing to check them against",
	},
	{
		name: "a pattern of certificates", text: "client: {tls: {peer: {common_name: ['[a']}}}\n",
		want: "site.yaml:1:37: client.tls.peer.common_name[0]: syntax error in pattern",
	},
	{
		name: "a name server to tell", text: "server: {announce: [{directory: {name_server: {addresses: ['names:abc']}}}]}\n",
		want: "site.yaml:1:60: server.announce[0].directory.name_server.addresses[0]: invalid uri: \"names:abc\" is no location of a name server: want HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH",
	},
	{
		name: "a lookup's setting where names are told", text: "server: {announce: [{directory: {name_server: {poll: 1s}}}]}\n",
		want: "site.yaml:1:54: server.announce[0].directory.name_server.poll: it is for what looks names up, and this registers them",
	},
	{
		name: "a name server to ask", text: "proxies: {a: {uri: 'PYRONAME:a', name_servers: ['h:70000']}}\n",
		want: "site.yaml:1:49: proxies[\"a\"].name_servers[0]: invalid uri: \"h:70000\" is no location of a name server: want HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH",
	},
	{
		name: "a client's name server", text: "client: {name_servers: ['names:abc']}\n",
		want: "site.yaml:1:25: client.name_servers[0]: invalid uri: \"names:abc\" is no location of a name server: want HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH",
	},
	{
		name: "a uri", text: "proxies: {a: {uri: 'PYRO:a@b'}}\n",
		want: "site.yaml:1:20: proxies[\"a\"].uri: invalid uri \"PYRO:a@b\": no port",
	},
	{
		name: "a uri's port", text: "proxies: {a: {uri: 'PYRO:a@b:99999'}}\n",
		want: "site.yaml:1:20: proxies[\"a\"].uri: invalid uri \"PYRO:a@b:99999\": no port is above 65535",
	},
	{
		name: "a directory for what looks nothing up", text: "proxies: {a: {uri: 'PYRO:a@b:1', directory: {name_server: {}}}}\n",
		want: "site.yaml:1:34: proxies[\"a\"].directory: uri says where the object is: want a PYRONAME: or PYROMETA: uri",
	},
	{
		name: "a key for Pyro5", text: "proxies: {a: {uri: 'PYRO:a@b:1', dialect: pyro5, hmac_key: '${KEY}'}}\n", env: map[string]string{"KEY": "hunter2"},
		want: "site.yaml:1:60: proxies[\"a\"].hmac_key: Pyro5 has no signatures, so dialect must not be DIALECT_PYRO5",
	},
	{
		name: "a uri of an entry", text: "proxies: {a: {uri: 'PYRONAME:a', directory: {static: {entries: [{name: a, uri: 'PYRO:a@b'}]}}}}\n",
		want: "site.yaml:1:80: proxies[\"a\"].directory.static.entries[0].uri: invalid uri \"PYRO:a@b\": no port",
	},
	{
		name: "a service's name", text: "services: [{name: a b, echo: {}}]\n",
		want: "site.yaml:1:12: services[0]: service a b: name \"a b\" holds '@' or white space, which no URI can carry",
	},
	{
		name: "the name of the health object", text: "services: [{name: Pyrokit.Health, echo: {}}]\n",
		want: "site.yaml:1:19: services[0].name: is the name of the server's own object: want another one",
	},
	{
		name: "a method and an attribute", text: "services: [{name: a, static: {methods: {a: 1}, attributes: {a: 2}}}]\n",
		want: "site.yaml:1:48: services[0].static.attributes: a is a method already",
	},
	{
		name: "a private method", text: "services: [{name: a, static: {methods: {_x: 1}}}]\n",
		want: "site.yaml:1:12: services[0]: service a: method _x: the name is private in Pyro: nobody could call it",
	},
	{
		name: "a password in a URL", text: "traces: {endpoint: 'http://u:hunter2@h'}\n",
		want: "site.yaml:1:20: traces.endpoint: want no user and password in it: one of headers can hold them",
	},
	{
		name: "a URL", text: "traces: {endpoint: 'http://h:abc'}\n",
		want: "site.yaml:1:20: traces.endpoint: invalid port \":abc\" after host",
	},
	{
		name: "certificates for nothing", text: "traces: {endpoint: 'http://h', tls: {}}\n",
		want: "site.yaml:1:32: traces.tls: endpoint is no https:// URL",
	},
	{
		name: "a uri of a variable", text: "proxies: {a: {uri: 'PYRO:a@${WHERE}'}}\n", env: map[string]string{"WHERE": "hunter2"},
		want: `site.yaml:1:20: proxies["a"].uri: invalid uri PYRO:a@${WHERE}: no port`,
	},
	// several at once, in the order of the text
	{
		name: "several", text: "server:\n  limits: {max_depth: -3}\n  drain_timeout: 10\n  no_such: 1\nlog: {level: loud}\n",
		want: "site.yaml:2:23: server.limits.max_depth: want 0 to 10000, found -3\n" +
			"site.yaml:3:18: server.drain_timeout: want a time such as \"10s\" or \"1m30s\", found 10; write \"10s\" for seconds\n" +
			"site.yaml:4:3: server.no_such: unknown field\n" +
			"site.yaml:5:14: log.level: want debug, info, warn or error, found \"loud\"",
	},
}

func TestBrokenConfigurations(t *testing.T) {
	for _, tt := range broken {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file
			if file == "" {
				file = "site.yaml"
			}
			write(t, map[string]string{file: tt.text})
			_, err := config.Load([]string{file}, variables(tt.env), config.Set(tt.set...))
			require.Error(t, err)
			require.Equal(t, tt.want, err.Error())
			var all config.Errors
			require.ErrorAs(t, err, &all)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "-77")
		})
	}
}
