package servicetest_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

// peer serves what is worth recording, on a real socket.
func peer(t *testing.T, opts ...service.ServerOption) (uri string, heard *atomic.Int32) {
	t.Helper()
	heard = &atomic.Int32{}
	n := 0
	svc := service.New("o").
		Method("next", func() int { n++; return n }).
		Method("echo", func(v any) any { return v }).
		Method("fail", func() error { return transport.NewError("ValueError", "no") }).
		Method("count", func(n int) iter.Seq[int] { return slices.Values([]int{1, 2, 3}[:n]) }).
		Method("tell", func(string) { heard.Add(1) }, service.Oneway())
	srv := service.NewServer(append([]service.ServerOption{service.Listen("tcp", "127.0.0.1:0")}, opts...)...)
	require.NoError(t, srv.Add(svc))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	return srv.URI("o").String(), heard
}

// talk is a conversation.
func talk(t testing.TB, uri string, dial servicetest.DialFunc, opts ...service.ProxyOption) {
	t.Helper()
	p, err := service.Connect(uri, append(opts, service.DialWith(dial))...)
	require.NoError(t, err)
	defer p.Close()
	ctx := transport.WithCorrelationID(t.Context(), uuid.New())
	for i := 1; i < 4; i++ {
		n, err := service.Call[int](ctx, p, "next", service.WithAnnotation("RAND", []byte(uuid.NewString())))
		require.NoError(t, err)
		require.Equal(t, i, n)
	}
	s, err := service.Call[string](ctx, p, "echo", "\x00 \n\" 😀")
	require.NoError(t, err)
	require.Equal(t, "\x00 \n\" 😀", s)
	servicetest.RequireRemote(t, service.Do(ctx, p, "fail"), "ValueError")
	require.NoError(t, service.Do(ctx, p, "tell", "nobody"))
	var all []int
	for n, err := range service.Stream[int](ctx, p, "count", 3, service.Ahead()) {
		require.NoError(t, err)
		all = append(all, n)
	}
	require.Equal(t, []int{1, 2, 3}, all)
	require.NoError(t, p.Ping(ctx))
}

func TestAConversationIsRecordedAndReplayed(t *testing.T) {
	tests := map[string]struct {
		client []service.ProxyOption
		server []service.ServerOption
	}{
		"Pyro4":      {client: []service.ProxyOption{service.Dialect(codec.Pyro4)}},
		"Pyro5":      {client: []service.ProxyOption{service.Dialect(codec.Pyro5)}},
		"json":       {client: []service.ProxyOption{service.Dialect(codec.Pyro5), service.Serializer("json")}},
		"signed":     {client: []service.ProxyOption{service.HMACKey("k")}, server: []service.ServerOption{service.HMACKey("k")}},
		"compressed": {client: []service.ProxyOption{service.Compression(), service.Dialect(codec.Pyro5)}, server: []service.ServerOption{service.Compression()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "new", "recorded.txt")
			uri, heard := peer(t, tt.server...)
			complaints, _ := runTest(func(t testing.TB) { talk(t, uri, servicetest.Record(t, file), tt.client...) })
			require.Empty(t, complaints)
			require.Eventually(t, func() bool { return heard.Load() == 1 }, soon, tick)

			for range 2 {
				complaints, _ = runTest(func(t testing.TB) { talk(t, uri, servicetest.Replay(t, file), tt.client...) })
				require.Empty(t, complaints)
			}
			require.Equal(t, int32(1), heard.Load(), "the peer hears no more of it")
		})
	}
}

func TestARefusalIsReplayed(t *testing.T) {
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		file := filepath.Join(t.TempDir(), "recorded.txt")
		uri, _ := peer(t)
		uri = "PYRO:nothing" + uri[len("PYRO:o"):]
		refused := func(t testing.TB, dial servicetest.DialFunc) {
			p, err := service.Connect(uri, service.DialWith(dial), service.Dialect(dialect))
			require.NoError(t, err)
			defer p.Close()
			require.ErrorContains(t, p.Ping(t.Context()), "unknown object")
		}
		complaints, _ := runTest(func(t testing.TB) { refused(t, servicetest.Record(t, file)) })
		require.Empty(t, complaints)
		complaints, _ = runTest(func(t testing.TB) { refused(t, servicetest.Replay(t, file)) })
		require.Empty(t, complaints)
	}
}

func TestWhatWasNotRecordedFailsTheTest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.txt")
	uri, _ := peer(t)
	complaints, _ := runTest(func(t testing.TB) {
		talk(t, uri, servicetest.Record(t, file), service.Dialect(codec.Pyro5))
	})
	require.Empty(t, complaints)
	tests := []struct {
		name string
		opts []service.ProxyOption
		args []any
	}{
		{name: "another argument", args: []any{"something else"}},
		{name: "another dialect", opts: []service.ProxyOption{service.Dialect(codec.Pyro4)}, args: []any{"\x00 \n\" 😀"}},
		{name: "another serializer", opts: []service.ProxyOption{service.Serializer("json")}, args: []any{"\x00 \n\" 😀"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			complaints, _ := runTest(func(t testing.TB) {
				opts := append([]service.ProxyOption{service.DialWith(servicetest.Replay(t, file)), service.Dialect(codec.Pyro5)}, tt.opts...)
				p, err := service.Connect(uri, opts...)
				require.NoError(t, err)
				defer p.Close()
				require.ErrorIs(t, service.Do(t.Context(), p, "echo", tt.args...), transport.ErrUnavailable)
			})
			require.Len(t, complaints, 1)
			require.Contains(t, complaints[0], "has no such request (left): \"PYRO")
		})
	}

	t.Run("once more than recorded", func(t *testing.T) {
		complaints, _ := runTest(func(t testing.TB) {
			p, err := service.Connect(uri, service.DialWith(servicetest.Replay(t, file)), service.Dialect(codec.Pyro5))
			require.NoError(t, err)
			defer p.Close()
			for range 3 {
				require.NoError(t, service.Do(t.Context(), p, "next"))
			}
			require.Error(t, service.Do(t.Context(), p, "next"))
		})
		require.Len(t, complaints, 1)
	})
}

func TestATestThatFailedRecordsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.txt")
	uri, _ := peer(t)
	complaints, _ := runTest(func(t testing.TB) {
		talk(t, uri, servicetest.Record(t, file), service.Dialect(codec.Pyro5))
		t.Errorf("it failed")
	})
	require.Equal(t, []string{"it failed"}, complaints)
	require.NoFileExists(t, file)
}

func TestFilesThatAreNoRecording(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no text in quotes":   {"# x\n\n1 > PYRO", ":3: invalid syntax"},
		"too short":           {`1 > "PY"`, ":1: \"PY\" is not one whole message"},
		"not Pyro's":          {`1 > "HTTP/1.1 200 OK"`, "is not one whole message"},
		"half a message":      {`1 > "PYRO\x01\xf6\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01"`, "is not one whole message"},
		"a reply to nothing":  {"1 < " + whole, ":1: neither a request nor the reply to one"},
		"neither way":         {"1 ! " + whole, ":1: neither a request nor the reply to one"},
		"two replies to one":  {"1 > " + whole + "\n1 < " + whole + "\n1 < " + whole, ":3: neither"},
		"of other connection": {"1 > " + whole + "\n2 < " + whole, ":2: neither"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "f")
			require.NoError(t, os.WriteFile(file, []byte(tt.text), 0o600))
			complaints, _ := runTest(func(t testing.TB) { servicetest.Replay(t, file) })
			require.Len(t, complaints, 1)
			require.Contains(t, complaints[0], tt.want)
		})
	}
	complaints, _ := runTest(func(t testing.TB) { servicetest.Replay(t, "missing") })
	require.Equal(t, []string{"replay: open missing: no such file or directory"}, complaints)
}

// whole is a ping without payload.
const whole = `"PYRO\x01\xf6\x06\x01\x00\x00\x00\x01` + `\x00\x00\x00\x00\x00\x00\x00\x00` +
	`\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00` + `\x00\x00\x4d\xc5"`

func TestAReplayIsAtAnyAddressAndEndsWithItsContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte("1 > "+whole+"\n"), 0o600))
	dial := servicetest.Replay(t, file)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err := dial(ended, "tcp", "x:1")
	require.ErrorIs(t, err, context.Canceled)
	c, err := dial(t.Context(), "tcp", "x:1")
	require.NoError(t, err)
	require.Equal(t, "x:1", c.RemoteAddr().String())
	require.NoError(t, c.Close())
}
