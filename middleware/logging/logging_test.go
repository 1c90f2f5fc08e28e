package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/logging"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A journal keeps what is logged.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines returns what was logged of calls.
func (j *journal) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(j.text()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if !strings.HasPrefix(fields["msg"].(string), "handshake") {
			lines = append(lines, fields)
		}
	}
	return lines
}

func shop(noted chan<- struct{}) *service.Service {
	s := service.New("shop")
	s.Method("buy", func(_ string, count int) int { return count }, service.Params("item", service.Default("count", 1)))
	s.Method("login", func(map[string]any) bool { return true }, service.KwargsStruct())
	s.Method("fail", func() error { return transport.NewError("KeyError", "sesame") })
	s.Method("sleep", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	s.Method("count", func() iter.Seq[int] { return func(yield func(int) bool) { _ = yield(1) && yield(2) } })
	s.Method("note", func() { noted <- struct{}{} }, service.Oneway())
	s.Property("velocity", func() float64 { return 1.5 }, func(float64) {})
	return s
}

// brief is a line as "level msg kind method code".
func brief(lines []map[string]any) []string {
	texts := []string{}
	for _, l := range lines {
		words := []string{}
		for _, key := range []string{"level", "msg", "kind", "method", "code"} {
			if w, ok := l[key].(string); ok {
				words = append(words, w)
			}
		}
		texts = append(texts, strings.Join(words, " "))
	}
	return texts
}

func TestCallsOfAllKinds(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			var server, client journal
			noted := make(chan struct{})
			p := pairtest.Join(t, shop(noted), []service.ServerOption{service.Use(logging.New(server.logger()))},
				service.Use(correlation.New(), logging.New(client.logger())), service.Dialect(d))
			ctx := t.Context()
			require.NoError(t, service.Do(ctx, p, "buy", "tea"))
			require.Error(t, service.Do(ctx, p, "fail"))
			_, err := service.Get[float64](ctx, p, "velocity")
			require.NoError(t, err)
			require.NoError(t, service.Set(ctx, p, "velocity", 2.5))
			for _, err := range service.Stream[int](ctx, p, "count") {
				require.NoError(t, err)
			}
			b := p.Batch()
			service.Queue[int](b, "buy", "tea")
			service.Queue[int](b, "fail")
			require.Error(t, b.Do(ctx))
			require.NoError(t, service.Do(ctx, p, "note"))
			<-noted
			require.Equal(t, []string{
				"INFO call buy ok",
				"WARN call failed fail not_found",
				"INFO call getattr velocity ok",
				"INFO call setattr velocity ok",
				"INFO call count ok",
				"INFO call batch <batch> ok",
				"INFO call note ok",
			}, brief(client.lines(t)))
			require.Equal(t, []string{
				"INFO call buy ok",
				"WARN call failed fail not_found",
				"INFO call getattr velocity ok",
				"INFO call setattr velocity ok",
				"INFO call count ok",
				"INFO call buy ok",
				"WARN call failed fail not_found",
			}, brief(server.lines(t))[:7])

			ours, theirs := client.lines(t)[1], server.lines(t)[1]
			require.Equal(t, ours["correlation_id"], theirs["correlation_id"])
			require.Equal(t, "shop", theirs["object"])
			require.Equal(t, "builtins.KeyError", theirs["class"])
			require.Contains(t, theirs["error"], "sesame")
			require.Contains(t, theirs["peer"], d.String())
			require.Positive(t, theirs["duration"])
			require.InDelta(t, 2, client.lines(t)[5]["calls"], 0)
			require.Equal(t, true, client.lines(t)[6]["oneway"])
			require.Contains(t, server.text(), `"msg":"handshake"`)
			require.NotContains(t, server.text(), "tea", "arguments are not logged")
			require.NotContains(t, client.text(), "tea")
		})
	}
}

func TestLevels(t *testing.T) {
	fine := func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil }
	bad := func(context.Context, *transport.Call) (*transport.Reply, error) { return nil, errors.New("no") }
	tests := []struct {
		name       string
		opts       []logging.Option
		fine, fail []string
	}{
		{"defaults", nil, []string{"INFO call m ok"}, []string{"WARN call failed m unknown"}},
		{
			"chosen",
			[]logging.Option{logging.Start(slog.LevelDebug), logging.Success(slog.LevelWarn), logging.Failure(slog.LevelError)},
			[]string{"DEBUG call begins m", "WARN call m ok"},
			[]string{"DEBUG call begins m", "ERROR call failed m unknown"},
		},
		{"failures only", []logging.Option{logging.Success(logging.Off)}, []string{}, []string{"WARN call failed m unknown"}},
		{"off", []logging.Option{logging.Success(logging.Off), logging.Failure(logging.Off)}, []string{}, []string{}},
		{"below the logger's", []logging.Option{logging.Success(slog.LevelDebug - 1)}, []string{}, []string{"WARN call failed m unknown"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range []struct {
				end  transport.Endpoint
				want []string
			}{{fine, tt.fine}, {bad, tt.fail}} {
				var j journal
				_, _ = logging.New(j.logger(), tt.opts...).Call(way.end)(t.Context(), &transport.Call{Object: "o", Method: "m"})
				require.Equal(t, way.want, brief(j.lines(t)))
			}
		})
	}
}

func TestItemsIfWanted(t *testing.T) {
	var server, client journal
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(logging.New(server.logger(), logging.StreamItems()))},
		service.Use(logging.New(client.logger(), logging.StreamItems())))
	for _, err := range service.Stream[int](t.Context(), p, "count") {
		require.NoError(t, err)
	}
	want := []string{"INFO call count ok", "INFO call streamitem count ok", "INFO call streamitem count ok", "INFO call streamitem count ok"}
	require.Equal(t, want, brief(client.lines(t))[:4])
	require.Equal(t, want, brief(server.lines(t))[:4])
}

func TestACancelledCallFailed(t *testing.T) {
	var client journal
	p := pairtest.Join(t, shop(nil), nil, service.Use(logging.New(client.logger())))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, service.Do(ctx, p, "sleep"))
	require.Equal(t, []string{"WARN call failed sleep canceled"}, brief(client.lines(t)))
}

func TestAPanicIsLogged(t *testing.T) {
	var j journal
	endpoint := logging.New(j.logger()).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { panic("sesame") })
	require.Panics(t, func() { _, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"}) })
	require.Equal(t, []string{"WARN call panicked m"}, brief(j.lines(t)))
	require.NotContains(t, j.text(), "sesame")
}

func TestADeniedHandshakeIsLogged(t *testing.T) {
	var server, client journal
	p := pairtest.Join(t, shop(nil), []service.ServerOption{
		service.Use(logging.New(server.logger())),
		service.ValidateHandshake(func(context.Context, *transport.Handshake) (any, error) { return nil, errors.New("go away") }),
	}, service.Use(logging.New(client.logger())), service.Handshake("open sesame"))
	require.Error(t, service.Do(t.Context(), p, "buy", "tea"))
	require.Contains(t, server.text(), `"level":"WARN","msg":"handshake denied","object":"shop"`)
	require.Contains(t, server.text(), "go away")
	require.Contains(t, client.text(), `"level":"WARN","msg":"handshake denied","object":"shop"`)
	require.NotContains(t, server.text()+client.text(), "sesame")
}

func TestTextsOfErrorsCanBeLeftOut(t *testing.T) {
	var j journal
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(logging.New(j.logger(), logging.NoErrorText()))})
	require.Error(t, service.Do(t.Context(), p, "fail"))
	require.Equal(t, "builtins.KeyError", j.lines(t)[0]["class"])
	require.NotContains(t, j.text(), "sesame")
}

func TestSuccessesAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		fail := false
		endpoint := logging.New(j.logger(), logging.Sample(2, 3)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			if fail {
				return nil, errors.New("no")
			}
			return &transport.Reply{}, nil
		})
		call := func(n int) {
			for i := range n {
				_, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: fmt.Sprintf("m%d", i)})
			}
		}
		call(10) // m0, m1 at first, then one of three
		require.Equal(t, []string{"INFO call m0 ok", "INFO call m1 ok", "INFO call m4 ok", "INFO call m7 ok"}, brief(j.lines(t)))
		require.InDelta(t, 2, j.lines(t)[2]["skipped"], 0)
		time.Sleep(time.Second)
		call(1)
		require.Len(t, j.lines(t), 5)
		require.InDelta(t, 2, j.lines(t)[4]["skipped"], 0)
		fail = true
		call(10)
		require.Len(t, j.lines(t), 15, "failures are logged all")
	})
}

func TestArguments(t *testing.T) {
	deep := any("deep")
	for range 20 {
		deep = []any{deep}
	}
	tests := []struct {
		name         string
		redact       logging.Redactor
		method       string
		args         []any
		want         string // of args
		wantKeywords string
	}{
		{"of positional ones only the types", logging.HideKeys(), "buy", []any{"tea", 3}, "['<string>', '<int64>']", ""},
		{"unless they are wanted", logging.HideKeysShowPositional(), "buy", []any{"tea", 3}, "['tea', 3]", ""},
		{
			"keywords are hidden by name", logging.HideKeys(), "login",
			[]any{service.Kwargs{"User": "ann", "Password": "sesame", "more": map[string]any{"API_Token": "sesame", "list": []any{map[string]any{"secret": "sesame"}}}}},
			"", "{'Password': '[hidden]', 'User': 'ann', 'more': {'API_Token': '[hidden]', 'list': [{'secret': '[hidden]'}]}}",
		},
		{"by other patterns", logging.HideKeys("us*"), "login", []any{service.Kwargs{"User": "ann", "n": 1}}, "", "{'User': '[hidden]', 'n': 1}"},
		{"long texts are cut", logging.HideKeysShowPositional(), "buy", []any{strings.Repeat("é", 1000)}, "['" + strings.Repeat("é", 128) + "...']", ""},
		{"depth is bounded", logging.HideKeysShowPositional(), "buy", []any{deep}, "[[[[[[[['...']]]]]]]]", ""},
		{"dicts are, too", logging.HideKeysShowPositional(), "buy", []any{wide(100)}, "", ""},
		{"nothing is left", func(*transport.Call, string, int, any) any { return "x" }, "buy", []any{"sesame"}, "['x']", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
				var j journal
				p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(logging.New(j.logger(), logging.Arguments(tt.redact)))},
					service.Serializer(serializer), service.Dialect(codec.Pyro5))
				err := service.Do(t.Context(), p, tt.method, tt.args...)
				line := j.lines(t)[0]
				if tt.want != "" {
					require.Equal(t, tt.want, line["args"], "%s: %v", serializer, err)
				}
				if tt.wantKeywords != "" {
					require.NoError(t, err, "the method still gets them")
					require.Equal(t, tt.wantKeywords, line["kwargs"], serializer)
				}
				require.NotContains(t, j.text(), "sesame")
				require.Less(t, len(j.text()), 10000)
			}
		})
	}
}

func wide(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m[fmt.Sprintf("key%03d", i)] = i
	}
	return m
}

// What a client passes down are Go values, of more types than what is read.
func TestWhatIsHiddenInGoValues(t *testing.T) {
	tests := []struct {
		arg  any
		want string
	}{
		{codec.NewDict("Token", "sesame", 5, codec.NewDict("password", "sesame")), "[{'Token': '[hidden]', '5': {'password': '[hidden]'}}]"},
		{codec.Tuple{map[string]any{"secret": "sesame"}}, "[({'secret': '[hidden]'},)]"},
		{[]byte("sesame"), "['<6 bytes>']"},
		{codec.Object{Class: "shop.Card", Attrs: map[string]any{"number": "sesame"}}, "['<shop.Card>']"},
		{struct{ Name string }{"sesame"}, "['<struct { Name string }>']"},
		{map[string]string{"password": "sesame"}, "['<map[string]string>']"},
		{nil, "[None]"},
	}
	for _, tt := range tests {
		var j journal
		endpoint := logging.New(j.logger(), logging.Arguments(logging.HideKeysShowPositional())).Call(
			func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
		_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: "m", Args: transport.Args{Positional: []any{tt.arg}}})
		require.NoError(t, err)
		require.Equal(t, tt.want, j.lines(t)[0]["args"])
		require.NotContains(t, j.text(), "sesame")
	}
}

// A peer may send an attribute without a name and a value.
func TestASetWithoutArguments(t *testing.T) {
	var j journal
	endpoint := logging.New(j.logger(), logging.Arguments(logging.HideKeys())).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	payload, err := serpent.Codec.AppendCall(nil, "o", "__setattr__", nil, false, nil, nil)
	require.NoError(t, err)
	head, err := serpent.Codec.OpenCall(payload, nil)
	require.NoError(t, err)
	_, err = endpoint(t.Context(), &transport.Call{
		Kind: transport.SetAttr, Object: "o", Method: "v", Args: transport.EncodedArgs(head, serpent.Codec, nil),
	})
	require.NoError(t, err)
	require.Len(t, j.lines(t), 1)
}

func TestArgumentsOfSomeMethods(t *testing.T) {
	var server, client journal
	show := logging.Arguments(logging.HideKeysShowPositional(), "shop.b*", "velocity")
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(logging.New(server.logger(), show))},
		service.Use(logging.New(client.logger(), show)))
	require.NoError(t, service.Do(t.Context(), p, "buy", "tea"))
	require.NoError(t, service.Do(t.Context(), p, "login", service.Kwargs{"user": "ann"}))
	require.NoError(t, service.Set(t.Context(), p, "velocity", 2.5))
	for _, j := range []*journal{&server, &client} {
		lines := j.lines(t)
		require.Equal(t, "['tea']", lines[0]["args"])
		require.NotContains(t, lines[1], "kwargs")
		require.Equal(t, "[2.5]", lines[2]["args"])
	}
}

func TestNamesThatPeersMakeUpAreBounded(t *testing.T) {
	var j journal
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(logging.New(j.logger()))}, service.NoMetadata())
	require.Error(t, service.Do(t.Context(), p, strings.Repeat("x", 100000)))
	require.Less(t, len(j.text()), 2000)
}

func BenchmarkCall(b *testing.B) {
	reply := &transport.Reply{}
	next := func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil }
	call := &transport.Call{Object: "example.stock", Method: "price", Peer: &transport.Peer{Dialect: codec.Pyro5, Session: &transport.Session{}}}
	all := slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // to see what writing costs
	for name, m := range map[string]transport.Middleware{
		"logged":  logging.New(all),
		"sampled": logging.New(all, logging.Sample(1, 1000)),
		"off":     logging.New(slog.New(slog.DiscardHandler)),
	} {
		endpoint := m.Call(next)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = endpoint(b.Context(), call)
			}
		})
	}
}
