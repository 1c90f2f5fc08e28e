package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
)

// Whatever stands in the messages of whole programs is read by something; package config has the same test, and a
// stricter one, for those of servers and proxies.
func TestEachFieldIsRead(t *testing.T) {
	var code strings.Builder
	for _, pattern := range []string{"*.go", "../*.go", "../../../cmd/pyroctl/clientconfig.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			code.Write(data)
		}
	}
	for _, m := range []proto.Message{
		&configv1.Config{}, &configv1.Log{}, &configv1.Admin{}, &configv1.TraceExport{}, &configv1.Reload{},
		&configv1.NameServer{}, &configv1.NameStorage{}, &configv1.BroadcastResponder{}, &configv1.Client{},
	} {
		d := m.ProtoReflect().Descriptor()
		for i := range d.Fields().Len() {
			fd := d.Fields().Get(i)
			var name strings.Builder
			for part := range strings.SplitSeq(string(fd.Name()), "_") {
				name.WriteString(strings.ToUpper(part[:1]) + part[1:])
			}
			read := strings.Contains(code.String(), ".Get"+name.String()+"()") ||
				strings.Contains(code.String(), string(d.Name())+"_"+name.String())
			require.True(t, read || fd.FullName() == "pyrokit.config.v1.NameStorage.memory", "%s is read by nothing", fd.FullName())
		}
	}
}

func TestANameServerFromConfiguration(t *testing.T) {
	names := filepath.Join(t.TempDir(), "names.sqlite")
	text := `
log: {level: debug}
name_server:
  server: {listeners: [{address: "localhost:0"}, {address: "127.0.0.1:0"}], chain: [{rate_limit: {rules: [{calls: ping, rate: 0, burst: 1}]}}]}
  storage: {sql: ` + names + `}
  nat_host: names.example.org
  nat_port: 4711
  autoclean: 1h
  broadcast: {disabled: true}
`
	r := run(t, text)
	require.Len(t, r.ready["ns"], 2, "one for each listener")
	require.Equal(t, "PYRO:Pyro.NameServer@names.example.org:4711", r.ready["ns"][0])
	require.Contains(t, r.ready["ns"][1], "PYRO:Pyro.NameServer@127.0.0.1:")
	require.NotContains(t, r.log.String(), "broadcasts are")
	require.NoError(t, r.end())

	text = strings.NewReplacer("  nat_host: names.example.org\n  nat_port: 4711\n", "", "{disabled: true}", "{address: '127.0.0.1:0'}").Replace(text)
	r = run(t, text)
	require.Contains(t, r.log.String(), "broadcasts are not answered")
	p, err := service.Connect(r.ready["ns"][0])
	require.NoError(t, err)
	defer p.Close()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, service.Do(t.Context(), p, "register", name, "PYRO:o@h:1"))
	}
	require.NoError(t, service.Do(t.Context(), p, "ping"))
	require.ErrorContains(t, service.Do(t.Context(), p, "ping"), "rate limit")
	report := r.reload(strings.Replace(text, "burst: 1", "burst: 2", 1))
	require.Equal(t, []string{"name_server.server.chain[0]"}, report.Changed)
	require.NoError(t, service.Do(t.Context(), p, "ping"))
	require.NoError(t, r.end())

	r = run(t, text)
	q, err := service.Connect(r.ready["ns"][0])
	require.NoError(t, err)
	defer q.Close()
	n, err := service.Call[int](t.Context(), q, "count")
	require.NoError(t, err)
	require.Equal(t, 3, n, "names outlive the program")
}
