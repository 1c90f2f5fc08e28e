//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	goserver "github.com/pyrokit/pyrokit/service/nameserver"
)

// runNames runs a whole Go name server until the test ends and returns its location.
func runNames(t *testing.T) string {
	t.Helper()
	ns := goserver.New(goserver.Listen("tcp", "127.0.0.1:0"), goserver.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, ns.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		require.NoError(t, ns.Shutdown(ctx))
	})
	return ns.URI().Location()
}

// pythonMatches is what Python's re says of expressions: the names that each matches from the start, or its error.
const pythonMatches = `
import json, re, sys, warnings
warnings.simplefilter("ignore")
given = json.load(open(sys.argv[1]))
found = []
for expr in given["exprs"]:
    try:
        compiled = re.compile(expr)
        found.append({"names": sorted(n for n in given["names"] if compiled.match(n))})
    except (re.error, OverflowError) as x:
        found.append({"error": str(x)})
print(json.dumps(found))
`

// expressions returns expressions as people write them, and as nobody does.
func expressions(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	atoms := []string{
		"a", "b", "ab", ".", `\.`, `\d`, `\w`, `\s`, `\D`, `\W`, "[abc]", "[^a]", "[a-z_]", `[\w.]`, `\b`, `\B`, "^", "$", `\A`, `\Z`,
		"é", "ſ", "k", "[]a]", "[a-]", `\x61`, `\141`, "-", "app", "one", `[^\W]`, "σ",
	}
	repeats := []string{"", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "*?", "+?", "*+", "{", "**"}
	groups := []string{"(%s)", "(?:%s)", "(?=%s)", "(?!%s)", "(?<=%s)", "(?<!%s)", "(?>%s)", "(?P<n>%s)", "(?i:%s)", "(?a:%s)", `(%s)\1`}
	var expr func(depth int) string
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	expr = func(depth int) string {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			if depth > 0 && r.IntN(3) == 0 {
				fmt.Fprintf(&b, pick(groups), expr(depth-1))
			} else {
				b.WriteString(pick(atoms))
			}
			b.WriteString(pick(repeats))
		}
		if r.IntN(4) == 0 {
			b.WriteString("|" + pick(atoms))
		}
		return b.String()
	}
	exprs := []string{`app\.(one|two)$`, `(?i)APP\..*`, `.*\.back\.`, `(?!Pyro\.)`, "(", "[", "*", `a\`, "a{2,1}", "(?P<1>a)", `\q`}
	for range n {
		exprs = append(exprs, expr(2))
	}
	return exprs
}

func TestNamesMatchAsInPython(t *testing.T) {
	names := []string{
		"a", "ab", "abc", "app.one", "app.two", "App.three", "a\n", "ab\ncd", "a b", "a_b1", "é", "ÀÉ", "straße", "K", "ı", "1²", "_", "-",
		"aab", "abab", "a\u0301", "\u0661", "σς", "camera.back.left", "(x)", "[x]", "{", "^", "$", "kk", "aa.aa",
	}
	p := proxy(t, "PYRO:Pyro.NameServer@"+runNames(t))
	for _, name := range names {
		require.NoError(t, service.Do(t.Context(), p, "register", name, "PYRO:o@h:1"))
	}
	require.NoError(t, service.Do(t.Context(), p, "remove", goserver.ObjectName))
	given := map[string][]string{"exprs": expressions(400), "names": append(names, goserver.ObjectName)}
	content, err := json.Marshal(given)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "given.json")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	var want []struct {
		Names []string
		Error string
	}
	require.NoError(t, peers.Run(t.Context(), &want, pythonMatches, file))
	failed := 0
	for i, expr := range given["exprs"] {
		got, err := service.Call[map[string]string](t.Context(), p, "list", service.Kwargs{"regex": expr})
		if want[i].Error != "" {
			failed++
			require.ErrorContains(t, err, "invalid regex: ", expr)
			continue
		}
		require.NoError(t, err, expr)
		require.ElementsMatch(t, want[i].Names, mapKeys(got), "%q", expr)
	}
	require.Greater(t, failed, 10)
	require.Greater(t, len(want)-failed, 100)
}

func mapKeys(m map[string]string) []string {
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// Python's clients use what only our name server has as they use any method.
func TestPythonWatchesAndLeases(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		location := runNames(t)
		var told []any
		err := peers.Run(t.Context(), &told, `
import json, sys
if sys.argv[1] == "Pyro4":
    from Pyro4 import Proxy
else:
    from Pyro5.api import Proxy
uri = "PYRO:Pyro.NameServer@" + sys.argv[2]
with Proxy(uri) as ns, Proxy(uri) as watching:
    told = [ns.lease("x", "PYRO:o@h:1", 1, ["t"])]
    for change in watching.watch("x", 0.2):
        if tuple(change) != ("alive",):
            told.append(change)
        if change[0] == "remove":
            break
    for name in "m1", "m2", "m3":
        ns.register(name, "PYRO:o@h:1")
    told.append(next(watching.watch("m", None, 2)))
print(json.dumps(told))
`, d.String(), location)
		require.NoError(t, err)
		require.Equal(t, []any{
			1.0,
			[]any{"put", "x", "PYRO:o@h:1", []any{"t"}},
			[]any{"synced"},
			[]any{"remove", "x"},
			[]any{[]any{"put", "m1", "PYRO:o@h:1", []any{}}, []any{"put", "m2", "PYRO:o@h:1", []any{}}},
		}, told)
	})
}

// Names of any text, and of any length, come back as they were.
func TestPythonRegistersOddNames(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		location := runNames(t)
		var wrong []string
		err := peers.Run(t.Context(), &wrong, `
import json, sys
if sys.argv[1] == "Pyro4":
    from Pyro4 import Proxy
else:
    from Pyro5.api import Proxy
odd = ["", " ", "\n", "\u00e9", "e\u0301", "\U0001f600", "a" * 1000000, "%", "_", "'", '"', "\\", "\x7f", "\u2028", "{}"]
wrong = []
with Proxy("PYRO:Pyro.NameServer@" + sys.argv[2]) as ns:
    for i, name in enumerate(odd):
        ns.register(name, "PYRO:o@h:%d" % (i + 1), metadata=["tag" + name])
    listed = ns.list()
    for i, name in enumerate(odd):
        uri, tags = ns.lookup(name, return_metadata=True)
        if uri.port != i + 1 or set(tags) != {"tag" + name} or listed.get(name) != str(uri):
            wrong.append(name[:20])
    if len(listed) != len(odd) + 1 or ns.remove(prefix="a") != 1:
        wrong.append("list, remove")
print(json.dumps(wrong))
`, d.String(), location)
		require.NoError(t, err)
		require.Empty(t, wrong)
	})
}

// Whoever sends an expression that has no end gets an error, and everybody else is served meanwhile.
func TestHostileExpressionsFromPython(t *testing.T) {
	location := runNames(t)
	var texts []string
	err := peers.Run(t.Context(), &texts, `
import json, sys
from Pyro5.api import Proxy
texts = []
with Proxy("PYRO:Pyro.NameServer@" + sys.argv[1]) as ns:
    ns.register("a" * 5000 + "!", "PYRO:o@h:1")
    for expr in ["(?=a)(a+)+$", "(a|a)*b(?!c)", "(" * 5000, "(a*)*\\1b", "x{1000}{1000}"]:
        try:
            ns.list(regex=expr)
            texts.append("ok")
        except Exception as x:
            texts.append(str(x))
print(json.dumps(texts))
`, location)
	require.NoError(t, err)
	require.Equal(t, "regex took too long", texts[0])
	for _, text := range texts[1:] {
		require.True(t, text == "ok" || text == "regex took too long" || strings.HasPrefix(text, "invalid regex: "), text)
	}
}

func TestManyRegisterAtOnce(t *testing.T) {
	const clients = 500
	location := runNames(t)
	start := make(chan struct{})
	var wg sync.WaitGroup
	errs := make(chan error, clients)
	for i := range clients {
		wg.Go(func() {
			p, err := service.Connect("PYRO:Pyro.NameServer@"+location, service.ConnectTimeout(soon))
			if err != nil {
				errs <- err
				return
			}
			defer p.Close()
			<-start
			errs <- service.Do(t.Context(), p, "register", fmt.Sprintf("client.%d", i), "PYRO:o@h:1", service.Timeout(soon))
		})
	}
	close(start)
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	p := proxy(t, "PYRO:Pyro.NameServer@"+location)
	n, err := service.Call[int](t.Context(), p, "count")
	require.NoError(t, err)
	require.Equal(t, clients+1, n)
}

// A name server that listens on all addresses tells each asker the one that the asker can reach.
func TestPythonFindsTheGoNameServerByBroadcast(t *testing.T) {
	ns := goserver.New(goserver.Listen("tcp", "0.0.0.0:0"), goserver.Broadcast("127.0.0.1:0"), goserver.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, ns.Start(t.Context()))
	defer func() { require.NoError(t, ns.Shutdown(context.Background())) }()
	_, port, err := net.SplitHostPort(ns.BroadcastAddr().String())
	require.NoError(t, err)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var found string
		err := peers.Run(t.Context(), &found, `
import json, sys
if sys.argv[1] == "Pyro4":
    import Pyro4 as pyro
    locate, config = pyro.locateNS, pyro.config
else:
    import Pyro5.api as pyro
    locate, config = pyro.locate_ns, pyro.config
config.NS_HOST, config.NS_BCPORT, config.BROADCAST_ADDRS = "nowhere.invalid", int(sys.argv[2]), ["127.0.0.1"]
if sys.argv[1] == "Pyro4":
    config.BROADCAST_ADDRS = "127.0.0.1"
with locate() as ns:
    ns.ping()
    print(json.dumps(str(ns._pyroUri)))
`, d.String(), port)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("PYRO:Pyro.NameServer@127.0.0.1:%d", ns.URI().Port), found)
	})
}
