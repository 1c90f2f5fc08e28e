//go:build integration

package peers_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

const (
	waitFor = 10 * time.Second
	tick    = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// each runs a test against both dialects, with a Python service and a Python client of it.
func each(t *testing.T, test func(t *testing.T, service *peers.Process, client *peers.Client)) {
	t.Helper()
	for _, dialect := range peers.Dialects {
		t.Run(dialect.String(), func(t *testing.T) {
			service := peers.Service(t, dialect)
			client := peers.NewClient(t, dialect)
			client.Connect("svc", service.URIs["svc"])
			test(t, service, client)
		})
	}
}

func value(t *testing.T, answer peers.Answer) string {
	t.Helper()
	require.Nil(t, answer.Error)
	return answer.Repr
}

func TestCalls(t *testing.T) {
	each(t, func(t *testing.T, _ *peers.Process, client *peers.Client) {
		require.Equal(t, "(1, 'two', [3.0])", value(t, client.Call("svc", "echo", "((1, 'two', [3.0]),)")))
		require.Equal(t, "5", value(t, client.Call("svc", "add", "(3,)")))
		require.Equal(t, "None", value(t, client.Call("svc", "nothing", "()")))
		require.Equal(t, "'set'", value(t, client.Call("svc", "kind", "({1, 2},)")))
		require.Equal(t, "True", value(t, client.Call("svc", "same", "((1, 2), '(1, 2)')")))
		require.Equal(t, "1000", value(t, client.Call("svc", "blob_size", "(b'x' * 1000,)")))

		answer := client.Do(peers.Request{Op: "call", Proxy: "svc", Method: "keywords", Args: "(1,)", Kwargs: "{'b': 2}"})
		require.Equal(t, "[[1], {'b': 2}]", value(t, answer))
		require.JSONEq(t, `[[1], {"b": 2}]`, string(answer.Value))
		require.Equal(t, "builtins.list", answer.Type)

		blob := client.Do(peers.Request{Op: "blob", Proxy: "svc", Method: "blob", Info: "label", Args: "(1, 2)"})
		require.Equal(t, "['label', [1, 2]]", value(t, blob))
	})
}

func TestErrors(t *testing.T) {
	tests := []struct{ args, class, text string }{
		{"('value', 'wrong', 42)", "builtins.ValueError", "('wrong', 42)"},
		{"('key', 'missing')", "builtins.KeyError", "'missing'"},
		{"('zero',)", "builtins.ZeroDivisionError", "integer division or modulo by zero"},
		{"('naming', 'unknown')", "%s.errors.NamingError", "unknown"},
		{"('chained',)", "builtins.ValueError", "effect"},
		{"('custom', 'x')", "%s.errors.SerializeError", "unsupported serialized class: common.CustomError"},
	}
	for _, dialect := range peers.Dialects {
		service := peers.Service(t, dialect)
		client := peers.NewClient(t, dialect)
		client.Connect("svc", service.URIs["svc"])
		for _, tt := range tests {
			t.Run(dialect.String()+" "+tt.args, func(t *testing.T) {
				answer := client.Call("svc", "fail", tt.args)
				require.False(t, answer.OK)
				require.Equal(t, strings.ReplaceAll(tt.class, "%s", dialect.String()), answer.Error.Class)
				require.Equal(t, tt.text, answer.Error.Text)
			})
		}
		answer := client.Call("svc", "fail", "('value', 'wrong', 42)")
		require.Equal(t, "('wrong', 42)", answer.Error.Args)
		require.Equal(t, "{'kind': 'value'}", answer.Error.Attributes["detail"])
		require.Contains(t, answer.Error.RemoteTraceback, "raise error")
		require.Contains(t, client.Call("svc", "fail", "('chained',)").Error.RemoteTraceback, "direct cause")
	}
}

func TestStreams(t *testing.T) {
	each(t, func(t *testing.T, _ *peers.Process, client *peers.Client) {
		all := client.Do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream", Args: "(3,)"})
		require.Len(t, all.Items, 3)
		require.Nil(t, all.Failure)
		require.Equal(t, "2", all.Items[2].Repr)

		limit := 2
		some := client.Do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream", Args: "(3,)", Limit: &limit})
		require.Len(t, some.Items, 2)

		failing := client.Do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream_fails"})
		require.Len(t, failing.Items, 2)
		require.Equal(t, "builtins.ValueError", failing.Failure.Class)
	})
}

func TestAttributesOnewayBatch(t *testing.T) {
	each(t, func(t *testing.T, _ *peers.Process, client *peers.Client) {
		require.True(t, client.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "velocity", Value: "2.5"}).OK)
		require.Equal(t, "2.5", value(t, client.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "velocity"})))
		refused := client.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "readonly", Value: "1"})
		require.Equal(t, "builtins.AttributeError", refused.Error.Class)

		require.Equal(t, "None", value(t, client.Call("svc", "notify", "('hello',)")))
		require.Eventually(t, func() bool {
			return client.Call("svc", "received", "()").Repr == "['hello']"
		}, waitFor, tick)

		calls := []peers.Request{{Method: "add", Args: "(1, 2)"}, {Method: "fail", Args: "('zero',)"}, {Method: "nothing"}}
		batch := client.Do(peers.Request{Op: "batch", Proxy: "svc", Calls: calls})
		require.Len(t, batch.Items, 1)
		require.Equal(t, "3", batch.Items[0].Repr)
		require.Equal(t, "builtins.ZeroDivisionError", batch.Failure.Class)
	})
}

func TestContext(t *testing.T) {
	const id = "9613299a-464e-45c8-98ca-39ebc337e3fc"
	each(t, func(t *testing.T, _ *peers.Process, client *peers.Client) {
		answer := client.Do(peers.Request{
			Op: "call", Proxy: "svc", Method: "context",
			CorrelationID: id, Annotations: map[string]string{"TEST": "6869"},
		})
		require.Contains(t, value(t, answer), id)
		require.Contains(t, answer.Repr, "'TEST': '6869'")
		require.Equal(t, id, answer.CorrelationID)

		annotated := client.Call("svc", "annotated", "()")
		require.Equal(t, fmt.Sprintf("%x", "from the method"), annotated.Annotations["RESP"])
	})
}

func TestInstances(t *testing.T) {
	each(t, func(t *testing.T, service *peers.Process, client *peers.Client) {
		for _, mode := range []string{"session", "single", "percall"} {
			for _, name := range []string{mode + "1", mode + "2"} {
				client.Connect(name, service.URIs[mode])
				client.Call(name, "increment", "()")
			}
		}
		require.Equal(t, "2", value(t, client.Call("session1", "increment", "()")))
		require.Equal(t, "3", value(t, client.Call("single1", "increment", "()")))
		require.Equal(t, "1", value(t, client.Call("percall1", "increment", "()")))

		client.Do(peers.Request{Op: "call", Proxy: "svc", Method: "new_counter", Save: "counter"})
		require.Equal(t, "1", value(t, client.Call("counter", "increment", "()")))
	})
}

func TestClientRequests(t *testing.T) {
	each(t, func(t *testing.T, service *peers.Process, client *peers.Client) {
		require.Equal(t, service.URIs["svc"], client.Do(peers.Request{Op: "bind", Proxy: "svc"}).Repr)
		require.Equal(t, "None", value(t, client.Do(peers.Request{Op: "ping", Proxy: "svc"})))
		require.Contains(t, value(t, client.Do(peers.Request{Op: "metadata", Proxy: "svc"})), "'oneway': ['notify', 'notify_fails']")
		require.True(t, client.Do(peers.Request{Op: "release", Proxy: "svc"}).OK)
		require.True(t, client.Do(peers.Request{Op: "reconnect", Proxy: "svc"}).OK)

		threads := client.Do(peers.Request{
			Op: "threads", URI: service.URIs["session"], Method: "increment", Threads: 8, Count: 20,
		})
		require.Equal(t, "[20, 20, 20, 20, 20, 20, 20, 20]", value(t, threads))
		require.Empty(t, threads.Failures)

		callback := client.Do(peers.Request{
			Op: "callback", Proxy: "svc", Method: "call_back", Args: "('report', 1, 'two')",
		})
		require.Equal(t, "[(1, 'two')]", value(t, callback))
		require.Equal(t, "1", callback.Items[0].Repr)

		timeout := client.Do(peers.Request{Op: "proxy", Proxy: "hasty", URI: service.URIs["svc"], Timeout: 0.1})
		require.True(t, timeout.OK)
		require.Contains(t, client.Call("hasty", "sleep", "(1,)").Error.Class, "errors.TimeoutError")
	})
}

func TestHandshake(t *testing.T) {
	for _, dialect := range peers.Dialects {
		t.Run(dialect.String(), func(t *testing.T) {
			service := peers.Service(t, dialect, "--handshake", "('let', 'me', 'in')", "--annotate")
			client := peers.NewClient(t, dialect, "--config", "COMPRESSION=True")
			client.Connect("wrong", service.URIs["svc"])
			require.Contains(t, client.Do(peers.Request{Op: "bind", Proxy: "wrong"}).Error.Text, "handshake refused: 'hello'")

			right := peers.Request{Op: "proxy", Proxy: "right", URI: service.URIs["svc"], Handshake: "('let', 'me', 'in')"}
			require.True(t, client.Do(right).OK)
			answer := client.Call("right", "echo", "('x' * 1000,)")
			require.Len(t, value(t, answer), 1002)
			require.Contains(t, answer.Annotations, "DMON")
		})
	}
}

func TestSerializers(t *testing.T) {
	serializers := map[peers.Dialect][]string{
		peers.Pyro4: {"serpent", "json", "marshal", "msgpack", "pickle"},
		peers.Pyro5: {"serpent", "json", "marshal", "msgpack"},
	}
	for dialect, names := range serializers {
		service := peers.Service(t, dialect, "--serializers", strings.Join(names, ","))
		for _, name := range names {
			t.Run(dialect.String()+" "+name, func(t *testing.T) {
				config := []string{}
				if dialect == peers.Pyro4 {
					config = []string{"--config", "SERIALIZERS_ACCEPTED={'" + name + "', 'marshal'}"}
				}
				client := peers.NewClient(t, dialect, append(config, "--serializer", name)...)
				client.Connect("svc", service.URIs["svc"])
				require.Equal(t, "[1, {'a': 2.5}]", value(t, client.Call("svc", "echo", "([1, {'a': 2.5}],)")))
			})
		}
	}
}

func TestHMAC(t *testing.T) {
	service := peers.Service(t, peers.Pyro4, "--hmac", "secret")
	client := peers.NewClient(t, peers.Pyro4, "--hmac", "secret")
	client.Connect("svc", service.URIs["svc"])
	require.Equal(t, "'signed'", value(t, client.Call("svc", "echo", "('signed',)")))

	require.True(t, client.Do(peers.Request{Op: "proxy", Proxy: "other", URI: service.URIs["svc"], HMAC: "another"}).OK)
	require.Contains(t, client.Call("other", "echo", "(1,)").Error.Text, "hmac")
}

func TestUnixSocketAndMultiplex(t *testing.T) {
	for _, dialect := range peers.Dialects {
		t.Run(dialect.String(), func(t *testing.T) {
			path := t.TempDir() + "/s"
			service := peers.Service(t, dialect, "--unix", path, "--config", "SERVERTYPE=multiplex")
			require.Equal(t, "PYRO:svc@./u:"+path, service.URIs["svc"])
			client := peers.NewClient(t, dialect)
			client.Connect("svc", service.URIs["svc"])
			require.Equal(t, "1", value(t, client.Call("svc", "echo", "(1,)")))
		})
	}
}

func TestOwnPrograms(t *testing.T) {
	for _, dialect := range peers.Dialects {
		t.Run(dialect.String(), func(t *testing.T) {
			names := peers.NameServer(t, dialect)
			address := names.URIs["uri"][strings.Index(names.URIs["uri"], "@")+1:]
			service := peers.Service(t, dialect, "--ns", address)
			client := peers.NewClient(t, dialect)
			host, port, _ := strings.Cut(address, ":")
			number, err := strconv.Atoi(port)
			require.NoError(t, err)
			require.True(t, client.Do(peers.Request{Op: "locate", Proxy: "ns", Host: host, Port: number}).OK)
			require.Contains(t, client.Call("ns", "lookup", "('test.svc',)").Repr, service.URIs["svc"])

			tool := "pyro" + dialect.String()[4:] + "-nsc"
			out, err := peers.Tool(t.Context(), "", tool, "-n", host, "-p", port, "list", "test.s")
			require.NoError(t, err)
			require.Contains(t, out, "test.svc --> "+service.URIs["svc"])

			echo := peers.EchoServer(t, dialect)
			client.Connect("echo", echo.URIs["uri"])
			require.Equal(t, "[1]", value(t, client.Call("echo", "echo", "([1],)")))
		})
	}
}
