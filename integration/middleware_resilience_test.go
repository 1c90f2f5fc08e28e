//go:build integration

package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/middleware/breaker"
	"github.com/pyrokit/pyrokit/middleware/cache"
	"github.com/pyrokit/pyrokit/middleware/concurrency"
	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/middleware/validate"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// pythonClient begins every client here: Proxy and Batch are those of the dialect.
const pythonClient = `
import hashlib, hmac, json, os, sys, time
dialect, uri = sys.argv[1:3]
if dialect == "Pyro4":
    from Pyro4 import Proxy, batch as Batch
else:
    from Pyro5.api import Proxy, BatchProxy as Batch

def outcome(call):
    try:
        return call()
    except Exception as x:
        return [type(x).__name__, str(x), getattr(x, "code", None), getattr(x, "retry_after", None)]
`

// python runs a client and returns what it prints.
func python[T any](t *testing.T, d peers.Dialect, uri, snippet string) (seen T) {
	t.Helper()
	require.NoError(t, peers.Run(within(t, soon), &seen, pythonClient+snippet, d.String(), uri))
	return seen
}

func TestPythonSignsItsHandshake(t *testing.T) {
	const client = `
def sign(proxy, key, principal="irma"):
    now, nonce = str(int(time.time())), os.urandom(16).hex()
    mac = hmac.new(key, "\n".join([principal, now, nonce, proxy._pyroUri.object]).encode(), "sha256").hexdigest()
    proxy._pyroHandshake = {"principal": principal, "time": now, "nonce": nonce, "mac": mac}

seen = []
with Proxy(uri) as p:
    sign(p, b"sesame")
    seen.append(outcome(lambda: p.am_i()))
    p._pyroRelease()
    seen.append(outcome(lambda: p.am_i())[0])  # the same signature
    sign(p, b"sesame")
    seen.append(outcome(lambda: p.am_i()))
with Proxy(uri) as p:
    sign(p, b"guessed")
    seen.append(outcome(lambda: p.am_i())[0])
with Proxy(uri) as p:
    seen.append(outcome(lambda: p.am_i())[0])
print(json.dumps(seen))
`
	s := service.New("who").Method("am_i", func(ctx context.Context) string { return fmt.Sprint(auth.Principal(ctx)) })
	srv := serve(t, s, service.Use(auth.Verify(auth.HMAC(map[string]string{"irma": "sesame"}))))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		require.Equal(t, []any{"irma", "CommunicationError", "irma", "CommunicationError", "CommunicationError"},
			python[[]any](t, d, srv.URI("who").String(), client))
	})
}

func TestPythonIsKnownByItsCertificate(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	cfg := newParty(t, ca.Issue(t), ca).config()
	cfg.RequireClientCert = true
	files, err := tlsfiles.New(cfg)
	require.NoError(t, err)
	secure, err := files.Server()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := service.New("who").Method("am_i", func(ctx context.Context) string { return fmt.Sprint(auth.Principal(ctx)) }).Method("secret", func() {})
	srv := serveOn(t, []*service.Service{s}, service.ListenOn(tls.NewListener(l, secure)), service.Use(
		auth.Verify(auth.Certificate(nil)),
		auth.Authorize(auth.Rule{Principals: []string{"snake-*"}, Calls: []string{"who.am_i"}})))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for name, want := range map[string]string{"snake-1": "'snake-1'", "mouse": "", "": ""} { // the principal, as Python prints it
			client := newParty(t, ca.Issue(t, named(name)), ca)
			c := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
			c.Connect("who", srv.URI("who").String())
			answer := c.Call("who", "am_i", "()")
			switch name {
			case "mouse":
				require.Equal(t, "mouse may not call who.am_i", raised(t, answer).Text)
			case "":
				require.Contains(t, raised(t, answer).Text, "authentication failed", "the certificate names nobody")
			default:
				require.Equal(t, want, repr(t, answer))
				require.Equal(t, "builtins.PermissionError", raised(t, c.Call("who", "secret", "()")).Class)
			}
		}
	})
}

func TestPythonMayCallWhatRulesAllow(t *testing.T) {
	const client = `
with Proxy(uri) as p:
    p._pyroHandshake = "sesame"
    b = Batch(p)
    b.get(); b.pay()
    print(json.dumps([p.get(), outcome(p.pay), outcome(lambda: p.rate), outcome(lambda: setattr(p, "rate", 2)),
                      outcome(lambda: list(p.walk())), outcome(lambda: list(b())), p.get()]))
`
	s := service.New("bank").Method("get", func() int { return 1 }).Method("pay", func() {}).
		Property("rate", func() int { return 1 }, func(int) {}).
		Method("walk", func() func(func(int) bool) { return func(func(int) bool) {} })
	srv := serve(t, s, service.Use(
		auth.Verify(auth.Tokens(map[string]string{"irma": "sesame"})),
		auth.Authorize(auth.Rule{Principals: []string{"ir*"}, Calls: []string{"bank.get"}})))
	denied := func(method string) []any {
		return []any{"PermissionError", "irma may not call bank." + method, nil, nil}
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		require.Equal(t, []any{1.0, denied("pay"), denied("rate"), denied("rate"), denied("walk"), denied("pay"), 1.0},
			python[[]any](t, d, srv.URI("bank").String(), client))
	})
}

func TestPythonIsToldWhenToComeBack(t *testing.T) {
	const client = `
with Proxy(uri) as p:
    first = p.get()
    refused = outcome(p.get)
    time.sleep(refused[3])
    print(json.dumps([first, refused, p.get()]))
`
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		s := service.New("o").Method("get", func() int { return 1 })
		srv := serve(t, s, service.Use(ratelimit.New(ratelimit.Limit(ratelimit.Rule{Calls: "o.*", Rate: 0.5, Per: ratelimit.Principal}))))
		seen := python[[]any](t, d, srv.URI("o").String(), client)
		refused := seen[1].([]any)
		require.Equal(t, []any{1.0, refused, 1.0}, seen)
		require.Equal(t, "RuntimeError", refused[0])
		require.Regexp(t, `^rate limit of o\.get exceeded: try again in \d+(\.\d+)?m?s$`, refused[1])
		require.Equal(t, "resource_exhausted", refused[2])
		require.InDelta(t, 1, refused[3], 1)
	})
}

func TestPythonWaitsForAPlace(t *testing.T) {
	const client = `
import threading
results = []
def call():
    with Proxy(uri) as p:
        results.append(outcome(p.hold))
threads = [threading.Thread(target=call) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps(sorted(str(r) if isinstance(r, int) else r[1] for r in results)))
`
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var running, most atomic.Int32
		refused := make(chan struct{})
		s := service.New("o").Method("hold", func() int {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-refused
			return 1
		})
		watch := transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				reply, err := next(ctx, call)
				if errors.Is(err, transport.ErrExhausted) {
					close(refused)
				}
				return reply, err
			}
		}}
		srv := serve(t, s, service.Use(watch, concurrency.New(concurrency.Limit(1), concurrency.Queue(2, soon))))
		require.Equal(t, []string{"1", "1", "1", "too many calls at once"}, python[[]string](t, d, srv.URI("o").String(), client))
		require.Equal(t, int32(1), most.Load())
	})
}

func TestPythonGetsAnswersFromTheCache(t *testing.T) {
	const client = `
with Proxy(uri) as p:
    b = Batch(p)
    b.twice("x"); b.twice([1, {"k": None}])
    print(json.dumps([p.twice("x"), p.twice("x"), p.twice(v="x"), p.twice([1, {"k": None}]), list(b())]))
`
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var n atomic.Int32
		s := service.New("o").Method("twice", func(v any) []any { n.Add(1); return []any{v, v} }, service.Params("v"))
		srv := serve(t, s, service.Use(cache.New(cache.Pure(time.Hour, "o.twice"))))
		x, list := []any{"x", "x"}, []any{[]any{1.0, map[string]any{"k": nil}}, []any{1.0, map[string]any{"k": nil}}}
		require.Equal(t, []any{x, x, x, list, []any{x, list}}, python[[]any](t, d, srv.URI("o").String(), client))
		require.Equal(t, int32(3), n.Load(), "by position, by name, and the list")
	})
}

func TestPythonIsToldWhatIsWrongWithArguments(t *testing.T) {
	const client = `
with Proxy(uri) as p:
    print(json.dumps([outcome(lambda: p.pay("irma", 5)), outcome(lambda: p.pay(to="irma", amount=-5))[:2],
                      outcome(lambda: p.pay("irma", "five"))[:2], outcome(lambda: setattr(p, "rate", "x"))[:2]]))
`
	s := service.New("bank").Method("pay", func(any, any) string { return "paid" }, service.Params("to", "amount")).
		Property("rate", func() any { return 1 }, func(any) {})
	srv := serve(t, s, service.Use(validate.New(validate.Calls(
		validate.Shape{Calls: "bank.pay", Params: []validate.Param{{Name: "to", Type: validate.Str}, {Name: "amount", Type: validate.Float, Min: new(0.0)}}},
		validate.Shape{Calls: "bank.rate", Params: []validate.Param{{Name: "value", Type: validate.Float}}}))))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		require.Equal(t, []any{
			"paid",
			[]any{"ValueError", "bank.pay: argument amount must be at least 0"},
			[]any{"TypeError", "bank.pay: argument amount must be float, not str"},
			[]any{"TypeError", "bank.rate: argument value must be float, not str"},
		}, python[[]any](t, d, srv.URI("bank").String(), client))
	})
}

// Go's side, of a Python service: what it does with a chain of all that is for clients.
func TestGoCallsPythonThroughAClientsChain(t *testing.T) {
	eachProxyURI(t, func(t *testing.T, uri string) {
		p := proxy(t, uri, service.Use(
			cache.New(cache.Pure(time.Hour, "add")),
			retry.New(retry.For(retry.Policy{
				Attempts: 2, Backoff: time.Millisecond, Hedge: time.Minute,
				Codes: []transport.Code{transport.CodeInvalidArgument},
			}, "echo", "fail", "add"), retry.Budget(0.1, 5)),
			breaker.New(breaker.Failures(2), breaker.Codes(transport.CodeInvalidArgument), breaker.Calls("fail")),
			ratelimit.New(ratelimit.Limit(ratelimit.Rule{Rate: 1000})),
			concurrency.New(concurrency.Adaptive(1, 10, 100)),
			timeout.New(time.Minute)))
		ctx := within(t, soon)
		for range 2 {
			n, err := service.Call[int](ctx, p, "add", 1, 2)
			require.NoError(t, err)
			require.Equal(t, 3, n)
			s, err := service.Call[string](ctx, p, "echo", "x")
			require.NoError(t, err)
			require.Equal(t, "x", s)
		}
		err := service.Do(ctx, p, "fail", "value") // twice
		require.ErrorIs(t, err, transport.ErrInvalidArgument)
		require.ErrorContains(t, service.Do(ctx, p, "fail", "value"), "circuit breaker of ")
		items := 0
		for _, err := range service.Stream[int](ctx, p, "stream", 3) {
			require.NoError(t, err)
			items++
		}
		require.Equal(t, 3, items)
	})
}

func eachProxyURI(t *testing.T, test func(t *testing.T, uri string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) { test(t, peers.Service(t, d).URIs["svc"]) })
}
