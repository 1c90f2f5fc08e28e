package config_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// optionsOf returns the functions of a package whose result is one of types.
func optionsOf(t *testing.T, dir string, types ...string) (names []string) {
	t.Helper()
	for _, path := range sources(t, dir) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results == nil {
				continue
			}
			result, ok := fn.Type.Results.List[0].Type.(*ast.Ident)
			if ok && slices.Contains(types, result.Name) {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

func sources(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	return slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
}

// What can be set in code can be set in a file, or docs/configuration.md says why not.
func TestEachOptionIsReachedFromConfiguration(t *testing.T) {
	var built, page strings.Builder
	for _, path := range append(sources(t, "."), sources(t, "program")...) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		built.Write(data)
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	require.NoError(t, err)
	_, codeOnly, found := strings.Cut(string(data), "\n## Only in code\n")
	require.True(t, found)
	codeOnly, _, _ = strings.Cut(codeOnly, "\n## ")
	page.WriteString(codeOnly)
	for pkg, types := range map[string][]string{
		"service":    {"ServerOption", "ProxyOption", "Option", "TimeLimit", "Naming"},
		"nameserver": {"Option"},
	} {
		dir := ".."
		if pkg == "nameserver" {
			dir = filepath.Join("..", "nameserver")
		}
		names := optionsOf(t, dir, types...)
		require.NotEmpty(t, names)
		for _, name := range names {
			called := regexp.MustCompile(`\b` + pkg + `\.` + name + `\b`)
			require.True(t, called.MatchString(built.String()) || called.MatchString(page.String()),
				"%s.%s is neither reached from a configuration nor listed as what only code has", pkg, name)
		}
	}
}
