package program

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"
)

func TestOnlyFilesOfTheConfigurationConcernAWatch(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(file, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write("site.yaml", "include: [base.yaml, 'conf.d/*.yaml']\nserver: {hmac_key: {file: key}}\n")
	write("base.yaml", "log: {}\n")
	write("conf.d/1.yaml", "log: {}\n")
	write("key", "sesame")
	p, err := New([]string{"site.yaml"}, Streams(io.Discard, io.Discard))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	w := &watch{p: p}
	require.NoError(t, w.open())
	defer func() { require.NoError(t, w.close()) }()
	for file, want := range map[string]struct{ right, wrong bool }{
		"./site.yaml":     {true, true},
		"./base.yaml":     {true, true},
		"./key":           {true, true},
		"conf.d/1.yaml":   {true, true},
		"conf.d/2.yaml":   {true, true},
		"conf.d/..data":   {true, true},
		"conf.d/2.json":   {false, true},
		"./other.yaml":    {false, true},
		"./other.YML":     {false, true},
		"./site.yaml.swp": {false, false},
		"./1.txt":         {false, false},
	} {
		w.wrong = false
		require.Equal(t, want.right, w.concerns(fsnotify.Event{Name: file, Op: fsnotify.Create}), file)
		require.False(t, w.concerns(fsnotify.Event{Name: file, Op: fsnotify.Chmod}), file)
		w.wrong = true
		require.Equal(t, want.wrong, w.concerns(fsnotify.Event{Name: file, Op: fsnotify.Create}), file)
	}
}
