//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/service"
)

// items prints the items of a dialect: type and default of each.
const items = `
import json, sys
if sys.argv[1] == "Pyro4":
    import Pyro4
    config = Pyro4.config
    values = config.asDict()
else:
    import Pyro5
    values = Pyro5.config.as_dict()
print(json.dumps({name: [type(value).__name__, str(value)] for name, value in values.items()}))
`

// No item of the real Pyros is forgotten, none is made up, and each has the type that is stated.
func TestEveryItemOfThePyrosIsKnown(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var actual map[string][2]string
		require.NoError(t, peers.Run(t.Context(), &actual, items, d.String()))
		require.NotEmpty(t, actual)
		known := map[string]pyroenv.Item{}
		for _, item := range pyroenv.Items {
			if d == peers.Pyro4 && item.In4 || d == peers.Pyro5 && item.In5 {
				known[item.Name] = item
			}
		}
		for name, is := range actual {
			item, ok := known[name]
			require.True(t, ok, "%s is not known", name)
			delete(known, name)
			switch is[0] {
			case "NoneType": // texts that are not set
				require.Equal(t, pyroenv.Text, item.Kind, name)
			case "set":
				require.Equal(t, pyroenv.List, item.Kind, name)
			case "str":
				if item.Kind != pyroenv.List { // Pyro4 keeps a list in a text
					require.Equal(t, pyroenv.Text, item.Kind, name)
				}
			default:
				require.Equal(t, is[0], item.Kind.String(), name)
			}
		}
		require.Empty(t, known, "nothing is made up")
	})
}

// The defaults that the manual states are those of the real Pyros.
func TestTheManualStatesTheDefaults(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\|(.*)\\|$").FindAllStringSubmatch(string(page), -1) {
		for cell := range strings.SplitSeq(m[2], "|") {
			rows[m[1]] = append(rows[m[1]], strings.TrimSpace(cell))
		}
	}
	words := strings.NewReplacer("the same", "['<broadcast>', '0.0.0.0']", "`", "", " (no limit)", "", "none", "None", "empty", "")
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var actual map[string][2]string
		require.NoError(t, peers.Run(t.Context(), &actual, items, d.String()))
		column := 1
		if d == peers.Pyro5 {
			column = 2
		}
		for name, is := range actual {
			switch name {
			case "SERIALIZERS_ACCEPTED", "PICKLE_PROTOCOL_VERSION", "DILL_PROTOCOL_VERSION", "LOGFILE", "LOGLEVEL", "BROADCAST_ADDRS":
				continue // of the machine, in no order, or in words
			}
			require.Equal(t, is[1], words.Replace(rows[name][column]), name)
		}
	})
}

// What Pyro takes for a value, and what it refuses, the Go side does, too.
func TestValuesOfVariablesAsPyroTakesThem(t *testing.T) {
	values := map[string][]string{
		"COMPRESSION":  {"1", "0", "ON", "off", "Yes", "nO", "true", "FALSE", "maybe", "2", " 1"},
		"COMMTIMEOUT":  {"0", "1.5", " 2 ", "1e1", "1_0", "soon", "", "_1", "0x10", "1__0"},
		"MAX_RETRIES":  {"0", "3", " 4 ", "+5", "1_0", "1.0", "", "x", "1e3", "0x10"},
		"NATPORT":      {"0"},
		"SERIALIZER":   {"json"},
		"SOCK_NODELAY": {"perhaps", "on"},
		"HOST":         {"127.0.0.1", "::1"},
	}
	const ask = `
import json, os, subprocess, sys
module, asked = sys.argv[1], json.loads(sys.argv[2])
out = {}
for name, texts in asked.items():
    for text in texts:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYRO_")}
        env["PYRO_" + name] = text
        out[name + "=" + text] = subprocess.run([sys.executable, "-c", "import " + module], env=env, capture_output=True).returncode == 0
print(json.dumps(out))
`
	literal, err := json.Marshal(values) // which is one in Python, too
	require.NoError(t, err)
	asked := string(literal)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var taken map[string]bool
		require.NoError(t, peers.Run(t.Context(), &taken, ask, d.String(), asked))
		for name, texts := range values {
			for _, text := range texts {
				_, err := service.FromEnv(func(variable string) (string, bool) { return text, variable == "PYRO_"+name })
				require.Equal(t, taken[name+"="+text], err == nil, "%s=%q: %v", name, text, err)
			}
		}
	})
}
