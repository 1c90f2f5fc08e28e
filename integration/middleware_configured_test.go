//go:build integration

package integration

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// wholeChain is every middleware of a server.
const wholeChain = `
server:
  chain:
    - recovery
    - correlation
    - tracing
    - metrics
    - logging: {sampling: {thereafter: 10}}
    - any_auth:
        methods:
          - hmac: {principals: {irma: {value: sesame}}}
          - token: {principals: {kees: {value: tulip}}}
    - authorization:
        rules:
          - {principals: [irma, kees], calls: [shop.buy, shop.price, shop.crash]}
          - {principals: [irma], calls: [shop.close]}
    - rate_limit: {rules: [{calls: shop.close, burst: 2, per: [principal]}]}
    - concurrency_limit: {limit: 10}
    - timeout: {default: 1m}
    - watchdog: {default: 1m}
    - validation:
        shapes:
          - {calls: shop.buy, params: [{name: item, type: str, max_len: 5}, {name: count, type: int, min: 1, optional: true}]}
    - cache: {rules: [{calls: [shop.price], age: 1h}]}
`

// configured makes the chain of a text.
func configured(t *testing.T, env config.Env, text string) *config.BuiltChain {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chain.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	file, err := config.Load([]string{path})
	require.NoError(t, err)
	built, err := config.Chain(file.Config().GetServer().GetChain(), env)
	require.NoError(t, err)
	require.Empty(t, built.Warnings())
	return built
}

func TestPythonGoesThroughAConfiguredChain(t *testing.T) {
	const client = `
def signed(principal, key, object):
    now, nonce = str(int(time.time())), os.urandom(16).hex()
    mac = hmac.new(key, "\n".join([principal, now, nonce, object]).encode(), "sha256").hexdigest()
    return {"principal": principal, "time": now, "nonce": nonce, "mac": mac}

seen = []
with Proxy(uri) as p:
    p._pyroHandshake = signed("irma", b"sesame", p._pyroUri.object)
    seen.append(outcome(lambda: p.buy("tea", count=3)))
    seen.append(outcome(lambda: p.buy("too long"))[:2])
    seen.append(outcome(lambda: p.crash())[:2])
    seen.append(outcome(lambda: [p.price("tea"), p.price("tea")]))
    seen.append(outcome(lambda: [p.close(), p.close(), p.close()])[2])
with Proxy(uri) as p:
    p._pyroHandshake = "tulip"
    seen.append(outcome(lambda: p.buy("tea")))
    seen.append(outcome(lambda: p.close())[:2])
with Proxy(uri) as p:
    seen.append(outcome(lambda: p.buy("tea"))[0])
print(json.dumps(seen))
`
	var prices int
	s := service.New("shop")
	s.Method("buy", func(ctx context.Context, item string, count int) string {
		return fmt.Sprint(auth.Principal(ctx), " ", item, " ", count)
	}, service.Params("item", service.Default("count", 1)))
	s.Method("crash", func() { panic("secret") })
	s.Method("close", func() {})
	s.Method("price", func(string) int { prices++; return prices })
	quiet := slog.New(slog.DiscardHandler)
	env := config.Env{
		Env: middleware.Env{End: transport.ServerEnd, Log: quiet}, Path: "server.chain",
		Metrics: prometheus.NewRegistry(), Tracing: sdk.NewTracerProvider(),
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		prices = 0
		chain := config.NewDynamic(configured(t, env, wholeChain))
		srv := serve(t, s, service.Logger(quiet), service.Use(chain.Middleware()))
		uri := srv.URI("shop").String()
		require.Equal(t, []any{
			"irma tea 3",
			[]any{"ValueError", "shop.buy: argument item must have at most 5 characters"},
			[]any{"RuntimeError", "internal error"},
			[]any{1.0, 1.0},
			"resource_exhausted",
			"kees tea 1",
			[]any{"PermissionError", "kees may not call shop.close"},
			"CommunicationError",
		}, python[[]any](t, d, uri, client))

		// The bucket of irma is empty still, while everybody may close now.
		chain.Replace(configured(t, env, strings.Replace(wholeChain, "{principals: [irma], ", "{", 1)))
		require.Equal(t, []any{"resource_exhausted", nil}, python[[]any](t, d, uri, `
with Proxy(uri) as irma, Proxy(uri) as kees:
    now, nonce = str(int(time.time())), os.urandom(16).hex()
    mac = hmac.new(b"sesame", "\n".join(["irma", now, nonce, "shop"]).encode(), "sha256").hexdigest()
    irma._pyroHandshake = {"principal": "irma", "time": now, "nonce": nonce, "mac": mac}
    kees._pyroHandshake = "tulip"
    print(json.dumps([outcome(lambda: irma.close())[2], outcome(lambda: kees.close())]))
`))
	})
}
