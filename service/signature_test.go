package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

type stranger interface{ Speak() }

func TestAddReportsEveryWrongSignature(t *testing.T) {
	tests := []struct {
		name  string
		build func(s *service.Service)
		want  string
	}{
		{"no function", func(s *service.Service) { s.Method("m", 5) }, "want a function, got int"},
		{"nil", func(s *service.Service) { s.Method("m", nil) }, "want a function"},
		{"nil function", func(s *service.Service) { s.Method("m", (func())(nil)) }, "want a function"},
		{"channel parameter", func(s *service.Service) { s.Method("m", func(chan int) {}) }, "no Python value becomes a chan int"},
		{"interface parameter", func(s *service.Service) { s.Method("m", func(stranger) {}) }, "no Python value becomes a"},
		{"slice of functions", func(s *service.Service) { s.Method("m", func([]func()) {}) }, "no Python value becomes a func()"},
		{"function result", func(s *service.Service) { s.Method("m", func() func() { return nil }) }, "cannot be sent"},
		{"iterator among results", func(s *service.Service) {
			s.Method("m", func() (iter.Seq[int], int) { return nil, 0 })
		}, "an iterator must be the only result"},
		{"error among results", func(s *service.Service) {
			s.Method("m", func() (error, int) { return nil, 0 }) //nolint:staticcheck // that is what is wrong
		}, "an error must be the last result"},
		{"too few names", func(s *service.Service) {
			s.Method("m", func(int, int) {}, service.Params("a"))
		}, "names of parameters: want 2, got 1"},
		{"a name for the variadic", func(s *service.Service) {
			s.Method("m", func(...int) {}, service.Params("numbers"))
		}, "names of parameters, not of the variadic one, which has none: want 0, got 1"},
		{"a name twice", func(s *service.Service) {
			s.Method("m", func(int, int) {}, service.Params("a", "a"))
		}, "two parameters are named a"},
		{"wrong default", func(s *service.Service) {
			s.Method("m", func(string) {}, service.Params(service.Default("a", 1)))
		}, "default 1 of a is no string"},
		{"kwargs of an int", func(s *service.Service) { s.Method("m", func(int) {}, service.KwargsStruct()) }, "need a struct or a map"},
		{"a proxy that is none of a kind", func(s *service.Service) { s.Method("m", func([]service.Proxy) {}) }, "has to be taken as a pointer"},
		{"a blob by value", func(s *service.Service) { s.Method("m", func(service.SerializedBlob) {}) }, "has to be taken as a pointer"},
		{"kwargs of nothing", func(s *service.Service) { s.Method("m", func() {}, service.KwargsStruct()) }, "no last parameter"},
		{"kwargs of a variadic alone", func(s *service.Service) { s.Method("m", func(...any) {}, service.KwargsStruct()) }, "no last parameter"},
		{"private name", func(s *service.Service) { s.Method("_m", func() {}) }, "private"},
		{"private dunder", func(s *service.Service) { s.Method("__init__", func() {}) }, "private"},
		{"no name", func(s *service.Service) { s.Method("", func() {}) }, "needs a name"},
		{"twice", func(s *service.Service) { s.Method("m", func() {}).Method("m", func() {}) }, "of this name already"},
		{"getter with a parameter", func(s *service.Service) { s.Property("p", func(int) int { return 0 }, nil) }, "a getter takes nothing"},
		{"setter of another type", func(s *service.Service) {
			s.Property("p", func() int { return 0 }, func(string) {})
		}, "the getter returns int, but the setter takes string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := service.New("test")
			tt.build(s)
			require.ErrorContains(t, service.NewServer().Add(s), tt.want)
		})
	}
}

func TestAddJoinsErrorsAndAddsNothing(t *testing.T) {
	srv := service.NewServer()
	good := service.New("good").Method("m", func() {})
	bad := service.New("bad").Method("one", 1).Method("two", 2)
	err := srv.Add(good, bad)
	require.ErrorContains(t, err, "method one")
	require.ErrorContains(t, err, "method two")
	require.NoError(t, srv.Add(good), "it was not added before")
	require.ErrorContains(t, srv.Add(good), "already")
	require.ErrorContains(t, srv.Add(service.New("Pyro.Daemon")), "already")
	require.ErrorContains(t, srv.Add(service.New("a@b")), "'@'")
	require.Regexp(t, "^obj_[0-9a-f]{32}$", service.New("").Name())
}

func TestDunderMethodsCanBeExposed(t *testing.T) {
	s := service.New("test").Method("__len__", func() int { return 3 })
	require.NoError(t, service.NewServer().Add(s))
}

type query struct {
	Name  string `pyro:"name"`
	Limit int    `json:"limit"`
	Exact bool
}

func signatures() *service.Service {
	s := service.New("test.signatures")
	s.Method("named", func(a, b int, c string) string { return fmt.Sprintf("%d %d %s", a, b, c) },
		service.Params("a", service.Default("b", 7), service.Default("c", "x")))
	s.Method("unnamed", func(a, b int) int { return a*10 + b })
	s.Method("three", func(a, b, c int) int { return a + b + c }, service.Params("a", "b", "c"))
	s.Method("struct_kw", func(prefix string, q query) string { return fmt.Sprintf("%s %+v", prefix, q) }, service.KwargsStruct())
	s.Method("map_kw", func(kw map[string]int) int {
		sum := 0
		for _, v := range kw {
			sum += v
		}
		return sum
	}, service.KwargsStruct())
	s.Method("rest_and_kw", func(x any, kw map[string]any, rest ...any) []any { return []any{x, rest, kw} }, service.KwargsStruct())
	s.Method("named_and_kw", func(a, b int, kw map[string]int) int { return a*100 + b*10 + kw["c"] },
		service.Params("a", service.Default("b", 7)), service.KwargsStruct())
	s.Method("rest", func(first string, rest ...int) int { return len(first) + len(rest) })
	s.Method("optional", func(p *int) bool { return p == nil })
	s.Method("with_ctx", func(ctx context.Context, a int) (int, error) { return a, ctx.Err() })
	s.Method("pairs", func() iter.Seq2[string, int] {
		return func(yield func(string, int) bool) { _ = yield("a", 1) && yield("b", 2) }
	})
	s.Method("failing", func() (iter.Seq2[int, error], error) {
		return func(yield func(int, error) bool) { _ = yield(1, nil) && yield(0, errors.New("in the middle")) }, nil
	})
	s.Method("missing_file", func() error { return fmt.Errorf("open it: %w", fs.ErrNotExist) })
	s.Method("denied", func() error { return transport.ErrPermissionDenied })
	s.Method("late", func() error { return context.DeadlineExceeded })
	s.Method("own_class", func() error { return transport.NewError("mymodule.MyError", "text", 5) })
	s.Method("silent_class", func() error { return transport.NewError("Pyro5.errors.ConnectionClosedError", "text") })
	return s
}

// Texts as Python 3.11 has them for class Shop with def buy(self, item, count=1) and def close(self).
func TestErrorsAsOfAClass(t *testing.T) {
	s := service.New("test.shop").AsClass("Shop")
	s.Method("buy", func(string, int) {}, service.Params("item", service.Default("count", 1)))
	s.Method("close", func() {})
	srv := start(t, s)
	p := connect(t, srv.URI("test.shop").String(), service.NoMetadata())
	for _, tt := range []struct {
		method string
		args   []any
		want   string
	}{
		{"buy", nil, "TypeError: Shop.buy() missing 1 required positional argument: 'item'"},
		{"buy", []any{"tea", 1, 2}, "TypeError: Shop.buy() takes from 2 to 3 positional arguments but 4 were given"},
		{"buy", []any{"tea", service.Kwargs{"size": 1}}, "TypeError: Shop.buy() got an unexpected keyword argument 'size'"},
		{"buy", []any{"tea", service.Kwargs{"item": 1}}, "TypeError: Shop.buy() got multiple values for argument 'item'"},
		{"buy", []any{"tea", service.Kwargs{"self": 1}}, "TypeError: Shop.buy() got multiple values for argument 'self'"},
		{"close", []any{1}, "TypeError: Shop.close() takes 1 positional argument but 2 were given"},
		{"sell", nil, "AttributeError: 'Shop' object has no attribute 'sell'"},
	} {
		require.ErrorContains(t, service.Do(t.Context(), p, tt.method, tt.args...), tt.want)
	}

	inner := service.New("test.counter").AsClass("Shop.Counter").Method("close", func() {})
	require.NoError(t, srv.Add(inner))
	p = connect(t, srv.URI("test.counter").String(), service.NoMetadata())
	require.ErrorContains(t, service.Do(t.Context(), p, "close", 1), "TypeError: Shop.Counter.close() takes")
	require.ErrorContains(t, service.Do(t.Context(), p, "sell"), "AttributeError: 'Counter' object has no attribute 'sell'")
	_, err := service.Get[any](t.Context(), p, "size")
	require.ErrorContains(t, err, "AttributeError: type object 'Counter' has no attribute 'size'")
}

func TestArguments(t *testing.T) {
	srv := start(t, signatures())
	p := connect(t, srv.URI("test.signatures").String())
	tests := []struct {
		name    string
		method  string
		args    []any
		want    any
		wantErr string
	}{
		{"defaults", "named", []any{1}, "1 7 x", ""},
		{"keywords", "named", []any{service.Kwargs{"c": "z", "a": 2}}, "2 7 z", ""},
		{"keyword twice", "named", []any{1, service.Kwargs{"a": 2}}, nil, "TypeError: named() got multiple values for argument 'a'"},
		{"untagged field in any case", "struct_kw", []any{"p", service.Kwargs{"exact": true}}, "p {Name: Limit:0 Exact:true}", ""},
		{"tagged field in another case", "struct_kw", []any{"p", service.Kwargs{"NAME": "x"}}, nil, "got an unexpected keyword argument 'NAME'"},
		{"unknown keyword", "named", []any{1, service.Kwargs{"d": 2}}, nil, "got an unexpected keyword argument 'd'"},
		{"missing", "named", nil, nil, "missing 1 required positional argument: 'a'"},
		{"too many", "named", []any{1, 2, "c", 4}, nil, "named() takes from 1 to 3 positional arguments but 4 were given"},
		{"too many without defaults", "unnamed", []any{1, 2, 3}, nil, "unnamed() takes 2 positional arguments but 3 were given"},
		{"one where none is taken", "pairs", []any{1}, nil, "pairs() takes 0 positional arguments but 1 was given"},
		{"two are missing", "unnamed", nil, nil, "unnamed() missing 2 required positional arguments: 'arg1' and 'arg2'"},
		{"three are missing", "three", nil, nil, "three() missing 3 required positional arguments: 'a', 'b', and 'c'"},
		{"no keywords without names", "unnamed", []any{1, service.Kwargs{"b": 2}}, nil, "unexpected keyword argument 'b'"},
		{"their number comes before their types", "unnamed", []any{"one", "two", 3, 4}, nil, "unnamed() takes 2 positional arguments but 4 were given"},
		{"what is missing comes before types", "unnamed", []any{"one"}, nil, "unnamed() missing 1 required positional argument: 'arg2'"},
		{"a keyword comes before types", "named", []any{"one", service.Kwargs{"d": 2}}, nil, "named() got an unexpected keyword argument 'd'"},
		{"a keyword twice comes before types", "named", []any{"one", service.Kwargs{"a": 2}}, nil, "named() got multiple values for argument 'a'"},
		{"a missing one beside a keyword of a wrong type", "named", []any{service.Kwargs{"b": "x"}}, nil, "missing 1 required positional argument: 'a'"},
		{"wrong type says where", "unnamed", []any{1, "two"}, nil, "args[1]: want int, found str"},
		{"out of range", "unnamed", []any{1, float64(2.5)}, nil, "args[1]: want int, found float"},
		{"struct of keywords", "struct_kw", []any{"p", service.Kwargs{"name": "n", "limit": 3, "Exact": true}}, "p {Name:n Limit:3 Exact:true}", ""},
		{"struct without keywords", "struct_kw", []any{"p"}, "p {Name: Limit:0 Exact:false}", ""},
		{"struct with an unknown one", "struct_kw", []any{"p", service.Kwargs{"nme": "n"}}, nil, "unexpected keyword argument 'nme'"},
		{"map of keywords", "map_kw", []any{service.Kwargs{"a": 1, "b": 2}}, int64(3), ""},
		{"variadic", "rest", []any{"ab", 1, 2, 3}, int64(5), ""},
		{"variadic without", "rest", []any{"ab"}, int64(2), ""},
		{"variadic of a wrong type", "rest", []any{"ab", 1, "x"}, nil, "args[2]: want int, found str"},
		{"variadic and keywords", "rest_and_kw", []any{1, 2, 3, service.Kwargs{"a": 4}}, []any{int64(1), []any{int64(2), int64(3)}, map[string]any{"a": int64(4)}}, ""},
		{"one of variadic and keywords", "rest_and_kw", []any{1, 2}, []any{int64(1), []any{int64(2)}, map[string]any{}}, ""},
		{"neither variadic nor keywords", "rest_and_kw", []any{1}, []any{int64(1), []any{}, map[string]any{}}, ""},
		{"names and other keywords", "named_and_kw", []any{service.Kwargs{"c": 3, "a": 1}}, int64(173), ""},
		{"None for a pointer", "optional", []any{nil}, true, ""},
		{"None for an int", "unnamed", []any{1, nil}, nil, "args[1]: want int, found None"},
		{"context is no argument", "with_ctx", []any{4}, int64(4), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := service.Call[any](t.Context(), p, tt.method, tt.args...)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				require.ErrorIs(t, err, transport.ErrInvalidArgument)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// However they are encoded, arguments are counted before they are looked at.
func TestArgumentsAreCountedFirst(t *testing.T) {
	srv := start(t, signatures(), service.Serializers("serpent", "json", "marshal", "msgpack", "pickle"))
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		opts := []service.ProxyOption{service.Serializer(name)}
		if name == "pickle" {
			opts = append(opts, service.Dialect(codec.Pyro4))
		}
		p := connect(t, srv.URI("test.signatures").String(), opts...)
		err := service.Do(t.Context(), p, "unnamed", "one", []int{2}, service.Kwargs{}, 4)
		require.ErrorContains(t, err, "unnamed() takes 2 positional arguments but 3 were given", name)
		b := p.Batch()
		queued := service.Queue[any](b, "unnamed", "one", "two", 3)
		require.Error(t, b.Do(t.Context()), name)
		_, err = queued.Value()
		require.ErrorContains(t, err, "unnamed() takes 2 positional arguments but 3 were given", name)
	}
}

func TestErrorsBecomeTheirPythonClasses(t *testing.T) {
	srv := start(t, signatures())
	p := connect(t, srv.URI("test.signatures").String())
	tests := []struct{ method, class, text string }{
		{"missing_file", "builtins.FileNotFoundError", "open it: file does not exist"},
		{"denied", "builtins.PermissionError", "permission_denied"},
		{"late", "builtins.TimeoutError", "context deadline exceeded"},
		{"own_class", "builtins.RuntimeError", "mymodule.MyError"},
		{"silent_class", "builtins.ConnectionError", "ConnectionClosedError: text"},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			var e *transport.Error
			require.ErrorAs(t, service.Do(t.Context(), p, tt.method), &e)
			require.True(t, e.Remote)
			require.Equal(t, tt.class, e.Class)
			require.Contains(t, e.Message, tt.text)
			require.Contains(t, fmt.Sprint(e.Traceback), "signature_test.go", "the traceback names the source")
		})
	}
}

func TestStreams(t *testing.T) {
	srv := start(t, signatures())
	p := connect(t, srv.URI("test.signatures").String())
	var pairs []codec.Tuple
	for item, err := range service.Stream[codec.Tuple](t.Context(), p, "pairs") {
		require.NoError(t, err)
		pairs = append(pairs, item)
	}
	require.Equal(t, []codec.Tuple{{"a", int64(1)}, {"b", int64(2)}}, pairs)

	var items []int
	var failed error
	for item, err := range service.Stream[int](t.Context(), p, "failing") {
		if err != nil {
			failed = err
			break
		}
		items = append(items, item)
	}
	require.Equal(t, []int{1}, items)
	require.ErrorContains(t, failed, "in the middle")

	_, err := service.Call[any](t.Context(), p, "pairs")
	require.ErrorContains(t, err, "use service.Stream")
}

type Shelf struct{ items []string }

func (s *Shelf) PutItem(name string)      { s.items = append(s.items, name) }
func (s *Shelf) ListHTTPStatus() []string { return slices.Clone(s.items) }
func (s *Shelf) ID() int                  { return 5 }

func TestOfNamesExportedMethods(t *testing.T) {
	srv := start(t, service.Of(&Shelf{}))
	p := connect(t, srv.URI("shelf").String())
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"put_item", "list_http_status", "id"}, info.Metadata.Methods)
	require.NoError(t, service.Do(t.Context(), p, "put_item", "tea"))
	items, err := service.Call[[]string](t.Context(), p, "list_http_status")
	require.NoError(t, err)
	require.Equal(t, []string{"tea"}, items)

	renamed := service.Of(&Shelf{}).Named("lab.shelf")
	require.Equal(t, "lab.shelf", renamed.Name())
	require.NoError(t, service.NewServer().Add(renamed))
	require.Error(t, service.NewServer().Add(service.Of(struct{}{}).Named("x")), "a type without methods")
}

func TestCallOptions(t *testing.T) {
	s := everything()
	s.Method("annotated", func(ctx context.Context) string {
		info := transport.FromContext(ctx)
		info.Response.Set("RESP", []byte("back"))
		v, _ := info.Header.Annotations.Get("TEST")
		return string(v)
	})
	srv := start(t, s)
	p := connect(t, srv.URI("test.everything").String())
	got, err := service.Call[string](t.Context(), p, "annotated", service.WithAnnotation("TEST", []byte("there")))
	require.NoError(t, err)
	require.Equal(t, "there", got)

	_, err = service.Call[any](t.Context(), p, "sleep", 60, service.Timeout(20*time.Millisecond))
	require.ErrorIs(t, err, transport.ErrTimeout)

	require.NoError(t, service.Do(t.Context(), p, "fail", service.AsOneway()))
}

func TestConnectChecksWhatItIsGiven(t *testing.T) {
	tests := []struct {
		uri  string
		opts []service.ProxyOption
		want string
	}{
		{"nonsense", nil, "invalid uri"},
		{"PYRO:a@localhost", nil, "port"},
		{"PYROMETA:a,b", []service.ProxyOption{service.Resolver(byName{})}, "the resolver knows no metadata"},
		{"PYRO:a@localhost:1", []service.ProxyOption{service.Serializer("yaml")}, `unknown serializer "yaml"`},
		{"PYRO:a@localhost:1", []service.ProxyOption{service.Pool(0)}, "Pool(0)"},
		{"PYRO:a@localhost:1", []service.ProxyOption{service.Dialect(3)}, "Dialect(3)"},
		{"PYRO:a@localhost:1", []service.ProxyOption{service.HMACKey("")}, "the key is empty"},
		{"PYRO:a@localhost:1", []service.ProxyOption{service.MaxDepth(0)}, "MaxDepth(0)"},
	}
	for _, tt := range tests {
		_, err := service.Connect(tt.uri, tt.opts...)
		require.ErrorContains(t, err, tt.want)
	}
}

func TestMembersThatAreMisused(t *testing.T) {
	srv := start(t, everything())
	p := connect(t, srv.URI("test.everything").String())
	require.ErrorContains(t, service.Set(t.Context(), p, "velocity", "fast"), "velocity: want float64, found str")
	_, err := service.Get[any](t.Context(), p, "echo")
	require.ErrorContains(t, err, "it is a method")
	require.ErrorContains(t, service.Do(t.Context(), p, "velocity"), "it is an attribute")
	require.ErrorContains(t, service.Set(t.Context(), p, "fixed", "x"), "attempt to access unexposed or unknown remote attribute 'fixed'")
}

func TestArgumentErrorsNameTheParameter(t *testing.T) {
	s := service.New("o")
	s.Method("sell", func(query, int) {}, service.Params("what", "count"))
	s.Method("unnamed", func(int) {})
	s.Method("rest", func(string, ...int) {}, service.Params("first"))
	p := connect(t, start(t, s).URI("o").String())
	tests := []struct {
		method string
		args   []any
		want   string
	}{
		{"sell", []any{query{}, "three"}, "args[1] (count): want int, found str"},
		{"sell", []any{map[string]any{"name": 5}, 3}, "args[0] (what).name: want string, found int"},
		{"unnamed", []any{"three"}, "args[0]: want int, found str"},
		{"rest", []any{"a", 1, "b"}, "args[2]: want int, found str"},
	}
	for _, tt := range tests {
		err := service.Do(t.Context(), p, tt.method, tt.args...)
		require.ErrorContains(t, err, "TypeError: "+tt.want)
	}
}
