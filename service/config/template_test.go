package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/config"
)

func TestTemplateLoads(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	text := string(config.Template())
	require.NotContains(t, text, "#:")
	require.NotContains(t, text, "#~")
	_, body, _ := strings.Cut(text, "\n\n") // behind the head
	for line := range strings.Lines(body) {
		require.NotEqual(t, "#", strings.TrimSpace(line), "the .proto files do not have what is written there")
	}
	golden(t, here, "template.yaml", []byte(text))
	f := load(t, map[string]string{"site.yaml": text}, nil)
	require.Empty(t, f.Warnings())
}

// With everything that is commented out.
func TestWholeTemplateLoads(t *testing.T) {
	text, err := os.ReadFile("template.yaml")
	require.NoError(t, err)
	f := load(t, map[string]string{"site.yaml": strings.ReplaceAll(string(text), "#~ ", "")}, nil)
	require.Empty(t, f.Warnings())
	require.NotEmpty(t, f.Config().GetProxies())
}
