package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// A name server that refuses is there: the network is not asked for another one.
func TestANameServerThatRefusesIsNotReplacedByAnotherOne(t *testing.T) {
	ns, _ := startNS(t, nameserver.Server(service.HMACKey("key")))
	uri := ns.URI()
	t.Setenv("PYRO_NS_HOST", uri.Host)
	t.Setenv("PYRO_NS_PORT", strconv.Itoa(uri.Port))
	t.Setenv("PYRO_NS_BCPORT", strconv.Itoa(answerBroadcast(t, uri.String())))
	t.Setenv("PYRO_BROADCAST_ADDRS", "127.0.0.1")
	var said bytes.Buffer
	f := completed(t, testStreams())
	f.io.err = &said
	_, err := f.findNameServer(t.Context())
	require.Error(t, err)
	require.Equal(t, exitRefused, exitCode(err))
	require.Empty(t, said.String())
}

// A long list is made into YAML piece by piece, and is still one list.
func TestLongListsAreOneDocumentOfYAML(t *testing.T) {
	var out bytes.Buffer
	f := completed(t, testStreams())
	f.io.out, f.flags.output = &out, outputYAML
	items := make([]any, 2*yamlItems+1)
	for i := range items {
		items[i] = map[string]any{"name": fmt.Sprint("n", i), "tags": []string{"a", "b"}}
	}
	require.NoError(t, f.printDocument(items, nil))
	want, err := yaml.Marshal(valuePrinter{}.yaml(items))
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
}

func TestTagsAreShownAsFlagsTakeThem(t *testing.T) {
	for want, tags := range map[string][]string{
		"": nil, "a": {"a"}, "a,b": {"a", "b"}, `"a,b",c d`: {"a,b", "c d"}, `"say ""x"""`: {`say "x"`},
	} {
		require.Equal(t, want, joinTags(tags))
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	require.NoError(t, checkName("ä b"))
	require.EqualError(t, checkName(""), "NAME is empty")
	require.EqualError(t, checkName("a\xff"), `NAME "a\xff" is not UTF-8`)
}

func TestNewStorages(t *testing.T) {
	dir := t.TempDir()
	at := func(kind, name string) string { return kind + ":" + filepath.Join(dir, name) }
	for _, spec := range []string{at("sql", "s"), at("dbm", "d")} {
		_, file, _ := strings.Cut(spec, ":")
		require.Equal(t, file, newFile(spec))
		store, err := open.Storage(spec)
		require.NoError(t, err)
		require.NoError(t, store.Close())
		require.Empty(t, newFile(spec), spec)
	}
	require.Empty(t, newFile("memory"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.db"), []byte("x"), 0o600))
	_, file, _ := strings.Cut(at("dbm", "x"), ":")
	require.Equal(t, file, newFile("dbm:"+file), "x.db is no file of it")
	_, err := openStorage(at("dbm", "d.dat"))
	require.ErrorContains(t, err, "a part of the dbm "+filepath.Join(dir, "d")+", which is named without the ending")
}

// What a name server that was found says, and what can be done about it.
func TestHintsAboutNameServers(t *testing.T) {
	f := completed(t, testStreams())
	cmd, _, err := newRootCmd(f).Find([]string{"ns", "list"})
	require.NoError(t, err)
	for text, want := range map[string]string{
		"regex took too long":                 "--prefix chooses by nothing else",
		"DbmStorage doesn't support metadata": "dbm files keep none",
	} {
		err := &transport.Error{Remote: true, Class: "Pyro5.errors.NamingError", Message: text, Traceback: []string{"x"}}
		require.Contains(t, f.hintFor(cmd, err, err, exitFailed), want)
	}
	f.flags.nameServers = []string{"h:1"}
	err = fmt.Errorf("failed to locate the name server: connect to PYRO:Pyro.NameServer@h:1 at h:1 (pyro5): %w",
		transport.Errorf(transport.CodeUnavailable, "the peer rejected the connection: unknown object"))
	require.Contains(t, f.hintFor(cmd, err, transport.AsError(err), exitUnreachable), "no name server: pyroctl objects h:1")
}
