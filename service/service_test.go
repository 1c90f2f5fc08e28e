package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// everything is a service that has each kind of member once.
func everything() *service.Service {
	velocity := 1.5
	s := service.New("test.everything")
	s.Method("echo", func(v any) any { return v })
	s.Method("add", func(a, b int) int { return a + b }, service.Params("a", service.Default("b", 2)))
	s.Method("join", func(_ context.Context, sep string, parts ...string) (string, error) {
		out := ""
		var outSb25 strings.Builder
		for i, p := range parts {
			if i > 0 {
				outSb25.WriteString(sep)
			}
			outSb25.WriteString(p)
		}
		out += outSb25.String()
		return out, nil
	})
	s.Method("divmod", func(a, b int) (int, int, error) {
		if b == 0 {
			return 0, 0, transport.NewError("ZeroDivisionError", "division by zero")
		}
		return a / b, a % b, nil
	})
	s.Method("nothing", func() {})
	s.Method("fail", func() error { return errors.New("went wrong") })
	s.Method("panics", func() { panic("secret") })
	s.Method("count", func(_ context.Context, n int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	s.Method("sleep", func(ctx context.Context, seconds float64) error {
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	s.Property("velocity", func() float64 { return velocity }, func(v float64) { velocity = v })
	s.Property("fixed", func() string { return "fixed" }, nil)
	s.Property("letters", func() iter.Seq[string] { return slices.Values([]string{"a", "b", "c"}) }, nil)
	return s
}

func start(t *testing.T, s *service.Service, opts ...service.ServerOption) *service.Server {
	t.Helper()
	quiet := service.Logger(slog.New(slog.DiscardHandler)) // panics are part of the tests
	srv := service.NewServer(append([]service.ServerOption{quiet}, opts...)...)
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	})
	return srv
}

func connect(t *testing.T, uri string, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	p, err := service.Connect(uri, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func TestCalls(t *testing.T) {
	srv := start(t, everything())
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			ctx := t.Context()
			p := connect(t, srv.URI("test.everything").String(), service.Dialect(d))
			s, err := service.Call[string](ctx, p, "echo", "hello world")
			require.NoError(t, err)
			require.Equal(t, "hello world", s)
			n, err := service.Call[int](ctx, p, "add", 40)
			require.NoError(t, err)
			require.Equal(t, 42, n)
			n, err = service.Call[int](ctx, p, "add", service.Kwargs{"a": 1, "b": 5})
			require.NoError(t, err)
			require.Equal(t, 6, n)
			s, err = service.Call[string](ctx, p, "join", "-", "a", "b")
			require.NoError(t, err)
			require.Equal(t, "a-b", s)
			tuple, err := service.Call[codec.Tuple](ctx, p, "divmod", 7, 2)
			require.NoError(t, err)
			require.Equal(t, codec.Tuple{int64(3), int64(1)}, tuple)
			require.NoError(t, service.Do(ctx, p, "nothing"))

			_, err = service.Call[any](ctx, p, "divmod", 7, 0)
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "builtins.ZeroDivisionError", e.Class)
			require.NotEmpty(t, e.Traceback)
			err = service.Do(ctx, p, "panics")
			require.ErrorAs(t, err, &e)
			require.Equal(t, "builtins.RuntimeError", e.Class)
			require.NotContains(t, err.Error(), "secret")

			v, err := service.Get[float64](ctx, p, "velocity")
			require.NoError(t, err)
			require.NoError(t, service.Set(ctx, p, "velocity", v+1))
			v2, err := service.Get[float64](ctx, p, "velocity")
			require.NoError(t, err)
			require.InDelta(t, v+1, v2, 0)

			var items []int
			for i, err := range service.Stream[int](ctx, p, "count", 5) {
				require.NoError(t, err)
				items = append(items, i)
			}
			require.Equal(t, []int{0, 1, 2, 3, 4}, items)

			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			err = service.Do(short, p, "sleep", 60)
			require.ErrorIs(t, err, transport.ErrTimeout)
			s, err = service.Call[string](ctx, p, "echo", "still there")
			require.NoError(t, err)
			require.Equal(t, "still there", s)
		})
	}
}

func TestPropertyThatIsAnIterator(t *testing.T) {
	srv := start(t, everything())
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			p := connect(t, srv.URI("test.everything").String(), service.Dialect(d))
			letters := service.GetStream[string](t.Context(), p, "letters")
			for range 2 { // each walk reads the attribute anew
				var items []string
				for item, err := range letters {
					require.NoError(t, err)
					items = append(items, item)
				}
				require.Equal(t, []string{"a", "b", "c"}, items)
			}
			_, err := service.Get[any](t.Context(), p, "letters")
			require.ErrorContains(t, err, "use service.GetStream")
			_, err = service.Call[any](t.Context(), p, "count", 1)
			require.ErrorContains(t, err, "use service.Stream")
			require.ErrorContains(t, err, "call count of PYRO:test.everything@")
			_, err = service.Get[int](t.Context(), p, "fixed")
			require.ErrorContains(t, err, "get fixed of PYRO:test.everything@")
		})
	}
}

func TestAnnotationsOfStreamItems(t *testing.T) {
	s := service.New("test.annotated").Method("items", func(ctx context.Context) iter.Seq[int] {
		transport.FromContext(ctx).Response.Set("NOTE", []byte("first"))
		return func(yield func(int) bool) {
			if !yield(1) || !yield(2) {
				return
			}
			transport.FromContext(ctx).Response.Set("NOTE", []byte("third"))
			yield(3)
		}
	})
	srv := start(t, s)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			var notes []string
			listen := transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
				return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					reply, err := next(ctx, call)
					if err == nil && call.Kind == transport.StreamItem && !reply.Done {
						note, _ := reply.Header.Annotations.Get("NOTE")
						notes = append(notes, string(note))
					}
					return reply, err
				}
			}}
			p := connect(t, srv.URI("test.annotated").String(), service.Dialect(d), service.Use(listen))
			for _, err := range service.Stream[int](t.Context(), p, "items") {
				require.NoError(t, err)
			}
			require.Equal(t, []string{"first", "", "third"}, notes)
		})
	}
}

func TestLastLinesOfTracebacks(t *testing.T) {
	s := everything()
	s.Method("missing", func() error { return fmt.Errorf("reading: %w", fs.ErrNotExist) })
	s.Method("coded", func() error { return transport.Errorf(transport.CodeNotFound, "no such tea") })
	s.Method("classed", func() error { return transport.NewError("KeyError", "tea") })
	s.Method("bare", func() error { return transport.NewError("ValueError") })
	p := connect(t, start(t, s).URI("test.everything").String())
	for method, want := range map[string]string{
		"panics":  "panic: internal error\n",
		"fail":    "*errors.errorString: went wrong\n",
		"missing": "*errors.errorString: reading: file does not exist\n",
		"coded":   "not_found: no such tea\n",
		"classed": "KeyError: 'tea'\n",
		"bare":    "ValueError\n",
	} {
		var e *transport.Error
		require.ErrorAs(t, service.Do(t.Context(), p, method), &e)
		require.Equal(t, want, e.Traceback[len(e.Traceback)-1], method)
	}
}

func TestCallsAfterAnExceptionThatEndsTheConnection(t *testing.T) {
	for _, class := range []string{"SerializeError", "SecurityError"} {
		s := everything().Method("refuse", func() error { return transport.NewError(class, "no") })
		p := connect(t, start(t, s).URI("test.everything").String())
		for range 20 {
			require.ErrorContains(t, service.Do(t.Context(), p, "refuse"), class+": no")
			require.NoError(t, service.Do(t.Context(), p, "nothing"), "on a new connection")
		}
	}
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	p := connect(t, "PYRO:frozen@"+l.Addr().String(), service.ConnectTimeout(50*time.Millisecond))
	err = service.Do(t.Context(), p, "anything")
	require.ErrorIs(t, err, transport.ErrTimeout)
	require.ErrorContains(t, err, ": no answer to the handshake: context deadline exceeded")
}

func TestAbstractUnixSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract sockets")
	}
	srv := start(t, everything(), service.Listen("unix", fmt.Sprintf("@pyrokit-%d", time.Now().UnixNano())))
	uri := srv.URI("test.everything")
	require.Equal(t, "\x00pyrokit-", uri.Socket[:len("\x00pyrokit-")], "as Python's URIs spell it")
	n, err := service.Call[int](t.Context(), connect(t, uri.String()), "add", 40)
	require.NoError(t, err)
	require.Equal(t, 42, n)
	typed := pyro.Printable(uri.String())
	require.NotContains(t, typed, "\x00")
	require.NoError(t, connect(t, typed).Ping(t.Context()))
	for _, name := range []string{"\x00", `\x00`} {
		srv := start(t, everything(), service.Listen("unix", fmt.Sprintf("%spyrokit-%d", name, time.Now().UnixNano())))
		require.Equal(t, "\x00pyrokit-", srv.URI("x").Socket[:len("\x00pyrokit-")])
		require.NoError(t, connect(t, srv.URI("test.everything").String()).Ping(t.Context()))
	}
}

func TestLocalhostIsBothFamilies(t *testing.T) {
	srv := start(t, everything())
	port := srv.URI("test.everything").Port
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		if host == "[::1]" && !hasIPv6() {
			continue // nothing to be reached by
		}
		p := connect(t, fmt.Sprintf("PYRO:test.everything@%s:%d", host, port))
		require.NoError(t, p.Ping(t.Context()), host)
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}
