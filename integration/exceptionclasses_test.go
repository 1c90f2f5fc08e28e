//go:build integration

package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// raise prints what a call raises in Python, in each serializer.
const raise = `
import json, sys

dialect, uri = sys.argv[1:3]
if dialect == "Pyro4":
    import Pyro4
    Proxy, config = Pyro4.Proxy, Pyro4.config
else:
    import Pyro5.api
    Proxy, config = Pyro5.api.Proxy, Pyro5.config
out = {}
for serializer in sys.argv[3:]:
    config.SERIALIZER = serializer
    with Proxy(uri) as p:
        for what in ("decode", "encode", "translate", "group", "exit"):
            try:
                p.fail(what)
            except BaseException as e:
                out[serializer + " " + what] = type(e).__name__ + ": " + str(e)
            assert p.alive() is True, "the connection is gone"
print(json.dumps(out))
`

// Which classes with demands on their arguments Python makes again of what comes, and in which serializers.
func TestExceptionsThatPythonMakesAgain(t *testing.T) {
	exceptions := map[string]error{
		"decode":    transport.NewError("UnicodeDecodeError", "utf-8", []byte{0xff}, 0, 1, "invalid start byte"),
		"encode":    transport.NewError("UnicodeEncodeError", "ascii", "é", 0, 1, "no"),
		"translate": transport.NewError("UnicodeTranslateError", "é", 0, 1, "no"),
		"group": transport.NewError("ExceptionGroup", "g", []any{
			transport.NewError("ValueError", []any{codec.NewSet(1)}), transport.NewError("KeyError", "k"),
		}),
		"exit": transport.NewError("SystemExit", 3),
	}
	svc := service.New("o")
	svc.Method("fail", func(what string) error { return exceptions[what] })
	svc.Method("alive", func() bool { return true })
	const (
		decode = "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
		group  = "ExceptionGroup: g (2 sub-exceptions)"
	)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		serializers := []string{"serpent", "json", "marshal", "msgpack"}
		if d.String() == "Pyro4" {
			serializers = append(serializers, "pickle")
		}
		srv := serve(t, svc, service.Serializers(serializers...))
		var got map[string]string
		require.NoError(t, peers.Run(t.Context(), &got, raise, append([]string{d.String(), srv.URI("o").String()}, serializers...)...))
		want := map[string]string{}
		for _, s := range serializers {
			want[s+" decode"], want[s+" group"] = decode, group
			if s == "serpent" || s == "json" {
				want[s+" decode"] = "RuntimeError: builtins." + decode
			}
			if s != "msgpack" && s != "pickle" {
				want[s+" group"] = "RuntimeError: builtins." + group + ": [ValueError([{1}]), KeyError('k')]"
			}
			want[s+" encode"] = `UnicodeEncodeError: 'ascii' codec can't encode character '\xe9' in position 0: no`
			want[s+" translate"] = `UnicodeTranslateError: can't translate character '\xe9' in position 0: no`
			want[s+" exit"] = "RuntimeError: builtins.SystemExit: 3"
		}
		require.Equal(t, want, got)
	})
}

// The message of an exception that Python raises is what str() gives there.
func TestMessagesOfExceptionsArePythons(t *testing.T) {
	const source = `
import json, sys, threading

dialect, uri = sys.argv[1:]
if dialect == "Pyro4":
    import Pyro4 as pyro
else:
    import Pyro5.api as pyro
raised = [
    ValueError("a", {1}), ValueError({"out": [1, {"in": None}]}), ValueError(b"\xff"), ValueError(), KeyError("k"), KeyError("a", 1),
    OSError(2, "No such file or directory"), SyntaxError("bad", ("/a/b.py", 3, 1, "x =")), StopAsyncIteration("s"),
    UnicodeEncodeError("ascii", "a\u20ac\udcff", 1, 3, "no"), UnicodeEncodeError("ascii", "a\U0001d11e", 1, 2, "no"),
    UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte"), ValueError(1.0, (1,), 1e100, True, "it's"),
]


@pyro.expose
class Raiser(object):
    def fail(self, i):
        raise raised[i]


daemon = pyro.Daemon(host="127.0.0.1")
where = daemon.register(Raiser())
threading.Thread(target=daemon.requestLoop, daemon=True).start()
with pyro.Proxy(uri) as p:
    got = p.messages(str(where), len(raised))
print(json.dumps([got, [str(e) for e in raised]]))
`
	svc := service.New("o")
	svc.Method("messages", func(uri string, n int) ([]string, error) {
		p, err := service.Connect(uri, service.Serializer("marshal"))
		if err != nil {
			return nil, err
		}
		defer p.Close()
		messages := make([]string, n)
		for i := range messages {
			if e := transport.Received(service.Do(t.Context(), p, "fail", i)); e != nil {
				messages[i] = e.Message
			}
		}
		return messages, nil
	})
	srv := serve(t, svc)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var got [2][]string
		require.NoError(t, peers.Run(t.Context(), &got, source, d.String(), srv.URI("o").String()))
		require.NotEmpty(t, got[1])
		require.Equal(t, got[1], got[0])
	})
}
