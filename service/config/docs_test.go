package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"go.yaml.in/yaml/v3"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// yamlBlock is a block of YAML in a page. What is no whole configuration says what it is after the word yaml: "yaml
// fragment", "yaml prometheus".
var yamlBlock = regexp.MustCompile("(?ms)^[ ]*```yaml\n(.*?)^[ ]*```")

// A sample is a configuration that somebody may copy.
type sample struct{ where, text string }

// samples are the configurations of pages, examples and manifests.
func samples(t *testing.T) []sample {
	t.Helper()
	root := filepath.Join("..", "..")
	var found []sample
	for _, top := range []string{"docs", "examples", "deploy", "README.md"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			path = filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
			switch {
			case filepath.Ext(path) == ".md":
				for _, at := range yamlBlock.FindAllSubmatchIndex(data, -1) {
					line := 1 + strings.Count(string(data[:at[2]]), "\n")
					found = append(found, sample{path + ":" + strconv.Itoa(line), string(data[at[2]:at[3]])})
				}
			case strings.HasPrefix(path, "deploy/kubernetes/"):
				found = append(found, manifestSamples(t, path, string(data))...)
			case strings.HasPrefix(path, "examples/") && filepath.Ext(path) == ".yaml":
				found = append(found, sample{path, string(data)})
			}
			return nil
		}))
	}
	return found
}

// manifestSamples are the configurations in the ConfigMaps of a manifest.
func manifestSamples(t *testing.T, path, text string) []sample {
	t.Helper()
	var found []sample
	documents := yaml.NewDecoder(strings.NewReader(text))
	for {
		var one struct {
			Kind     string
			Metadata struct{ Name string }
			Data     map[string]string
		}
		if documents.Decode(&one) != nil {
			return found
		}
		if one.Kind == "ConfigMap" {
			found = append(found, sample{path + " " + one.Metadata.Name, one.Data["pyroctl.yaml"]})
		}
	}
}

// Each configuration in the documentation loads, and its chains can be made and are in a sensible order.
func TestDocumentedConfigurationsLoad(t *testing.T) {
	all := samples(t)
	require.Greater(t, len(all), 1)
	for _, s := range all {
		t.Run(s.where, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sample.yaml")
			require.NoError(t, os.WriteFile(file, []byte(s.text), 0o600))
			loaded, err := config.Load([]string{file}, config.Environ(func(name string) (string, bool) {
				if !strings.Contains(s.text, "${"+name+"}") { // but ${NAME:-DEFAULT}, or a variable of Pyro's
					return "", false
				}
				return "value-of-" + name, true
			}))
			require.NoError(t, err)
			c := loaded.Config()
			makes(t, c.GetServer().GetChain(), transport.ServerEnd)
			makes(t, c.GetNameServer().GetServer().GetChain(), transport.ServerEnd)
			makes(t, c.GetClient().GetChain(), transport.ClientEnd)
			for _, p := range c.GetProxies() {
				makes(t, p.GetChain(), transport.ClientEnd)
			}
		})
	}
}

func makes(t *testing.T, chain *configv1.Chain, end transport.End) {
	t.Helper()
	env := config.Env{Metrics: prometheus.NewRegistry(), Tracing: noop.NewTracerProvider()}
	env.End, env.Secret = end, func(s *configv1.Secret) (string, error) { return s.String(), nil }
	made, err := config.Chain(chain, env)
	require.NoError(t, err)
	require.Empty(t, made.Warnings())
}
