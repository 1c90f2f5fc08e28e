package service_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// The value of an attribute is decoded when its type is known, and not before.
func TestTheValueOfAnAttributeIsDecodedOnce(t *testing.T) {
	var decoded atomic.Int32
	classes := codec.NewRegistry()
	classes.RegisterDecoder("shop.Item", func(_ string, attrs *codec.Dict) (any, error) {
		decoded.Add(1)
		name, _ := attrs.Get("name")
		return name, nil
	})
	var held any
	s := service.New("o").Property("item", func() any { return held }, func(v any) { held = v })
	for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
		srv := start(t, s, service.Classes(classes), service.Serializers(serializer))
		p := connect(t, srv.URI("o").String(), service.Serializer(serializer))
		decoded.Store(0)
		require.NoError(t, service.Set(t.Context(), p, "item", codec.Object{Class: "shop.Item", Attrs: map[string]any{"name": "bolt"}}))
		require.Equal(t, "bolt", held)
		require.EqualValues(t, 1, decoded.Load(), serializer)
	}
}

// Arguments of which one does not fit are converted no more than once, although they are counted then.
func TestArgumentsThatDoNotFitAreConvertedOnce(t *testing.T) {
	var decoded atomic.Int32
	classes := codec.NewRegistry()
	classes.RegisterDecoder("shop.Item", func(string, *codec.Dict) (any, error) { decoded.Add(1); return "item", nil })
	s := service.New("o").Method("buy", func(_ any, _ int, _ any) {}, service.Params("item", "count", service.Default("with", nil)))
	item := codec.Object{Class: "shop.Item", Attrs: map[string]any{"parts": []any{1, "x"}}}
	for _, serializer := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		srv := start(t, s, service.Classes(classes), service.Serializers(serializer))
		opts := []service.ProxyOption{service.Serializer(serializer), service.NoMetadata()}
		if serializer == "pickle" {
			opts = append(opts, service.Dialect(codec.Pyro4))
		}
		p := connect(t, srv.URI("o").String(), opts...)
		for want, args := range map[string][]any{
			"args[1] (count): want int, found str":            {item, "two", item},
			"kwargs.count: want int, found str":               {item, service.Kwargs{"count": "two", "with": item}},
			"takes from 2 to 3 positional arguments but 4":    {item, "two", item, item},
			"got an unexpected keyword argument 'whom'":       {item, "two", service.Kwargs{"whom": item}},
			"args[1] (count): want int, found instance of sh": {item, codec.Object{Class: "shop.Box"}, item},
		} {
			decoded.Store(0)
			require.ErrorContains(t, service.Do(t.Context(), p, "buy", args...), want, serializer)
			require.EqualValues(t, 1, decoded.Load(), "%s: %s", serializer, want)
		}
	}
}

// kinds is a middleware that notes the calls of remote iterators, and denies their end if deny is set.
func kinds(seen chan<- string, deny bool) transport.Middleware {
	return transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
			if c.Kind == transport.StreamItem || c.Kind == transport.StreamClose {
				seen <- c.Kind.String() + " " + c.Object + "." + c.Method
			}
			if deny && c.Kind == transport.StreamClose {
				seen <- "denied"
				return nil, errors.New("not you")
			}
			return next(ctx, c)
		}
	}}
}

// The end of a remote iterator passes the chains of both sides, under the name of the method that made it.
func TestTheEndOfAStreamPassesTheChain(t *testing.T) {
	for _, deny := range []bool{false, true} {
		there, here := make(chan string, 10), make(chan string, 10)
		ended := make(chan struct{})
		s := service.New("o").Method("numbers", func() iter.Seq[int] {
			return func(yield func(int) bool) {
				defer close(ended)
				for i := 0; yield(i); i++ {
					continue
				}
			}
		})
		srv := start(t, s, service.Use(kinds(there, deny)))
		p := connect(t, srv.URI("o").String(), service.Use(kinds(here, false)))
		for n, err := range service.Stream[int](t.Context(), p, "numbers") {
			require.NoError(t, err)
			require.Equal(t, 0, n)
			break
		}
		for _, seen := range []chan string{there, here} {
			require.Equal(t, "streamitem o.numbers", <-seen)
			require.Equal(t, "streamclose o.numbers", <-seen)
		}
		if deny {
			require.Equal(t, "denied", <-there)
			require.NoError(t, p.Ping(t.Context()))
			select {
			case <-ended:
				require.Fail(t, "the iterator was ended all the same")
			default:
			}
			continue
		}
		<-ended
	}
}

// stock has methods of all kinds of names.
type stock struct{}

func (stock) GetContents() string   { return "contents" }
func (stock) HTTPStatus() int       { return 200 }
func (stock) GetHTTPStatus() int    { return 404 }
func (stock) ID() int               { return 1 }
func (stock) NewURLFor2Days() int   { return 2 }
func (*stock) Internal(chan string) {} // no caller could pass one

// exceptInternal leaves a method out and names the others as they are.
func exceptInternal(goName string) string {
	if goName == "Internal" {
		return ""
	}
	return goName
}

func camelExceptInternal(goName string) string {
	return service.CamelCase(exceptInternal(goName))
}

func TestNamesOfMethods(t *testing.T) {
	snake := []string{"get_contents", "get_http_status", "http_status", "id", "new_url_for2_days"}
	camel := []string{"getContents", "getHTTPStatus", "httpStatus", "id", "newURLFor2Days"}
	asInGo := []string{"GetContents", "GetHTTPStatus", "HTTPStatus", "ID", "NewURLFor2Days"}
	camelCase, noCase := service.Names(camelExceptInternal), service.Names(exceptInternal)
	make1 := func(context.Context) (*stock, error) { return &stock{}, nil }
	tests := []struct {
		name string
		s    *service.Service
		want []string
	}{
		{"by default", service.Of(stock{}), snake},
		{"no function", service.Of(stock{}, service.Names(nil)), snake},
		{"camelCase", service.Of(stock{}, service.Names(service.CamelCase)), camel},
		{"one left out", service.Of(&stock{}, camelCase), camel},
		{"as in Go", service.New("x").Expose(&stock{}, noCase), asInGo},
		{"single", service.Single(make1, camelCase), camel},
		{"session", service.PerSession(make1, noCase), asInGo},
		{"call", service.PerCall(make1, camelCase), camel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := connect(t, start(t, tt.s.Named("o")).URI("o").String())
			info, err := p.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.want, info.Metadata.Methods)
			var status int
			for _, name := range tt.want {
				if strings.Contains(strings.ToLower(name), "get") && strings.Contains(strings.ToLower(name), "status") {
					status, err = service.Call[int](t.Context(), p, name)
				}
			}
			require.NoError(t, err)
			require.Equal(t, 404, status)
		})
	}
	toOne := service.Names(func(string) string { return "same" })
	require.ErrorContains(t, service.Of(stock{}, toOne).Err(), "methods GetContents and GetHTTPStatus would both be named same")
	require.ErrorContains(t, service.Single(make1, toOne).Err(), "would both be named same")
}

func TestServeNamesMethods(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		served <- service.Serve(ctx, map[any]string{&stock{}: "stock"}, service.ListenOn(l),
			service.Names(camelExceptInternal), service.Logger(slog.New(slog.DiscardHandler)))
	}()
	got, err := service.Call[string](t.Context(), connect(t, "PYRO:stock@"+l.Addr().String()), "getContents")
	require.NoError(t, err)
	require.Equal(t, "contents", got)
	cancel()
	require.NoError(t, <-served)
}
