//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// soldOutError is a class of both worlds.
type soldOutError struct {
	Item string
	Left int64
}

func (e *soldOutError) Error() string { return "no " + e.Item + " left" }

func init() { //nolint:gochecknoinits // registration is for the whole program
	transport.RegisterException(transport.ExceptionClass[*soldOutError]{
		Class:  "stall.errors.SoldOut",
		Code:   transport.CodeResourceExhausted,
		Encode: func(e *soldOutError) ([]any, map[string]any) { return []any{e.Item}, map[string]any{"left": e.Left} },
		Decode: func(e *transport.Error) (*soldOutError, error) {
			if len(e.Args) != 1 {
				return nil, errors.New("want the item")
			}
			item, _ := e.Args[0].(string)
			left, _ := e.Attrs["left"].(int64)
			return &soldOutError{item, left}, nil
		},
	})
}

// soldOut has a class SoldOut, which it knows from the wire, raised in Go and raises it for Go.
const soldOut = `
import json, sys, threading, types

dialect, uri = sys.argv[1:]
if dialect == "Pyro4":
    import Pyro4
    from Pyro4.util import SerializerBase
    expose, Proxy, Daemon = Pyro4.expose, Pyro4.Proxy, Pyro4.Daemon
    from Pyro4.util import getPyroTraceback as traceback
else:
    import Pyro5.api
    from Pyro5.serializers import SerializerBase
    expose, Proxy, Daemon = Pyro5.api.expose, Pyro5.api.Proxy, Pyro5.api.Daemon
    from Pyro5.errors import get_pyro_traceback as traceback


class SoldOut(Exception):
    pass


SoldOut.__module__ = "stall.errors"


def read(classname, d):
    e = SoldOut(*d["args"])
    for name, value in d["attributes"].items():
        setattr(e, name, value)
    return e


SerializerBase.register_dict_to_class("stall.errors.SoldOut", read)


@expose
class Shop(object):
    def sell(self, item):
        e = SoldOut(item)
        e.left = 4
        raise e


daemon = Daemon(host="127.0.0.1")
shop = daemon.register(Shop())
threading.Thread(target=daemon.requestLoop, daemon=True).start()
out = {}
with Proxy(uri) as p:
    for method in ("sell", "sell_wrapped"):
        try:
            getattr(p, method)("tea")
        except SoldOut as e:
            out[method] = [repr(e.args), e.left, "".join(traceback())]
    out["ask"] = p.ask(str(shop), "coffee")
    try:
        p.pass_on(str(shop), "cake")
    except SoldOut as e:
        out["pass_on"] = [repr(e.args), e.left, "".join(traceback())]
print(json.dumps(out))
`

func TestAChosenClassBothWays(t *testing.T) {
	shop := service.New("shop")
	shop.Method("sell", func(item string) error { return &soldOutError{item, 3} })
	shop.Method("sell_wrapped", func(item string) error { return fmt.Errorf("sell %s: %w", item, &soldOutError{item, 5}) })
	passOn := func(ctx context.Context, uri, item string) error {
		p, err := service.Connect(uri)
		if err != nil {
			return err
		}
		defer p.Close()
		return service.Do(ctx, p, "sell", item)
	}
	shop.Method("pass_on", passOn)
	shop.Method("ask", func(ctx context.Context, uri, item string) (string, error) {
		err := passOn(ctx, uri, item)
		var own *soldOutError
		if !errors.As(err, &own) || !errors.Is(err, transport.ErrExhausted) {
			return "", fmt.Errorf("not what was raised: %w", err)
		}
		return fmt.Sprintf("%s %d", own.Item, own.Left), nil
	})
	srv := serve(t, shop)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var got struct {
			Sell    []any  `json:"sell"`
			Wrapped []any  `json:"sell_wrapped"`
			PassOn  []any  `json:"pass_on"`
			Ask     string `json:"ask"`
		}
		require.NoError(t, peers.Run(t.Context(), &got, soldOut, d.String(), srv.URI("shop").String()))
		require.Equal(t, []any{"('tea',)", 3.0}, got.Sell[:2])
		require.Equal(t, []any{"('tea',)", 5.0}, got.Wrapped[:2])
		require.Contains(t, got.Wrapped[2], "wrapped *integration.soldOutError: no tea left")
		require.Contains(t, got.Wrapped[2], `File "exceptions_test.go", line `)
		require.Equal(t, "coffee 4", got.Ask)
		require.Equal(t, []any{"('cake',)", 4.0}, got.PassOn[:2])
		require.Contains(t, got.PassOn[2], "in sell\n", "where Python raised it")
		require.Contains(t, got.PassOn[2], "exceptions_test.go", "and where it came through")
	})
}

// Each built-in exception that Python raises comes as itself, with its arguments.
func TestEveryBuiltinExceptionOfPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var names []string
		require.NoError(t, peers.Run(t.Context(), &names, `
import builtins, json
skip = {"BaseExceptionGroup", "ExceptionGroup", "SystemExit", "KeyboardInterrupt", "GeneratorExit",
        "UnicodeEncodeError", "UnicodeDecodeError", "UnicodeTranslateError", "EncodingWarning", "PythonFinalizationError"}
print(json.dumps(sorted(n for n, c in vars(builtins).items() if isinstance(c, type) and issubclass(c, Exception) and n not in skip)))
`))
		svc := service.New("o")
		svc.Method("fail", func(class string) error { return transport.NewError(class, "text", 42) })
		srv := serve(t, svc)
		c := peers.NewClient(t, d)
		c.Connect("o", srv.URI("o").String())
		for _, name := range names {
			e := raised(t, c.Call("o", "fail", "('builtins."+name+"',)"))
			class := e.Class
			if name == "EnvironmentError" || name == "IOError" { // other names of OSError
				class = strings.Replace(class, "OSError", name, 1)
			}
			require.Equal(t, "builtins."+name, class)
			require.Contains(t, e.RemoteTraceback, `File "exceptions_test.go", line `)
		}
	})
}

func TestDetailedTracebacksInPython(t *testing.T) {
	svc := service.New("o")
	svc.Method("fail", func(secret string) error { return fmt.Errorf("of %d letters: %w", len(secret), errCause) })
	srv := serve(t, svc, service.DetailedTraceback())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("o", srv.URI("o").String())
		e := raised(t, c.Call("o", "fail", "('password',)"))
		require.Contains(t, e.RemoteTraceback, "Extended stacktrace follows (most recent call last)")
		require.Contains(t, e.RemoteTraceback, "func(string) error")
		require.Contains(t, e.RemoteTraceback, "dialect = "+wire(d).String())
		require.NotContains(t, e.RemoteTraceback, "password")
	})
}

// What is not there has one code, whether the metadata told or the server did.
func TestMembersThatAreNotThereHaveOneCode(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		uri := peers.Service(t, d).URIs["svc"]
		for _, p := range []*service.Proxy{proxy(t, uri), proxy(t, uri, service.NoMetadata())} {
			for _, name := range []string{"missing", "_private", "__init__", "velocity"} {
				var e *transport.Error
				require.ErrorAs(t, service.Do(t.Context(), p, name), &e, name)
				require.Equal(t, transport.CodeNotFound, e.Code, name)
				require.True(t, e.NoSuchMember, name)
				require.Equal(t, "builtins.AttributeError", e.Class)
			}
			require.ErrorIs(t, service.Set(t.Context(), p, "readonly", 1), transport.ErrNotFound)
		}
	})
}
