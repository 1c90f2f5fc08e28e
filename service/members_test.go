package service_test

import (
	"context"
	"errors"
	"iter"
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
