package transport_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// tracing notes when a middleware is entered and left.
func tracing(name string, trace *[]string) transport.Middleware {
	return transport.Middleware{
		Name: name,
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				*trace = append(*trace, "shake "+name)
				return next(ctx, h)
			}
		},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
				*trace = append(*trace, "into "+name)
				defer func() { *trace = append(*trace, "out of "+name) }()
				return next(ctx, c)
			}
		},
	}
}

func TestTheFirstMiddlewareIsTheOutermost(t *testing.T) {
	var trace []string
	chain := transport.Chain(tracing("a", &trace), transport.Middleware{Name: "empty"}, tracing("b", &trace))
	call := chain.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		trace = append(trace, "call")
		return &transport.Reply{}, nil
	})
	_, err := call(t.Context(), &transport.Call{})
	require.NoError(t, err)
	require.Equal(t, []string{"into a", "into b", "call", "out of b", "out of a"}, trace)

	trace = nil
	shake := chain.Handshake(func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
		return nil, errors.New("denied")
	})
	_, err = shake(t.Context(), &transport.Handshake{})
	require.EqualError(t, err, "denied")
	require.Equal(t, []string{"shake a", "shake b"}, trace)
}

func TestTheLastOfEqualAnnotationsCounts(t *testing.T) {
	a := transport.Annotations{{Key: "AAAA", Value: []byte("1")}, {Key: "BBBB"}, {Key: "AAAA", Value: []byte("2")}}
	v, ok := a.Get("AAAA")
	require.True(t, ok)
	require.Equal(t, "2", string(v))
	_, ok = a.Get("CCCC")
	require.False(t, ok)

	var own transport.Annotations
	own.Set("AAAA", []byte("1"))
	own.Set("AAAA", []byte("2"))
	require.Len(t, own, 1)
}

func TestAReplyIsReleasedOnce(t *testing.T) {
	n := 0
	r := &transport.Reply{Value: codec.ValueOf(1)}
	r.OnRelease(func() { n++ })
	r.Release()
	r.Release()
	require.Equal(t, 1, n)
	(&transport.Reply{}).Release()
}

func TestTheContextKnowsItsCall(t *testing.T) {
	require.Nil(t, transport.FromContext(t.Context()))
	require.Equal(t, uuid.Nil, transport.CorrelationID(t.Context()))
	ctx, info := transport.NewContext(t.Context())
	id, other := uuid.New(), uuid.New()
	info.Header.CorrelationID = id
	info.Method = "m"
	below, cancel := context.WithCancel(ctx)
	defer cancel()
	require.Equal(t, "m", transport.FromContext(below).Method)
	require.Equal(t, id, transport.CorrelationID(below), "calls made in a method carry the caller's id on")
	require.Equal(t, other, transport.CorrelationID(transport.WithCorrelationID(below, other)), "unless it sets one")
}

// closer is a value of a session that notes its end.
type closer struct {
	name  string
	ended *[]string
}

func (c closer) Close() error {
	*c.ended = append(*c.ended, c.name)
	return errors.New("nobody is left to tell")
}

func TestASessionClosesItsValuesTheLastOneFirst(t *testing.T) {
	var s transport.Session
	var ended []string
	made := 0
	load := func(name string) (any, error) {
		return s.Load(name, func() (any, error) {
			made++
			return closer{name, &ended}, nil
		})
	}
	for range 2 {
		for _, name := range []string{"first", "second"} {
			v, err := load(name)
			require.NoError(t, err)
			require.Equal(t, closer{name, &ended}, v)
		}
	}
	require.Equal(t, 2, made, "each is made once")
	_, err := s.Load("bad", func() (any, error) { return nil, errors.New("no") })
	require.EqualError(t, err, "no")
	_, err = s.Load("no closer", func() (any, error) { return 5, nil })
	require.NoError(t, err)

	require.NoError(t, s.Close())
	require.Equal(t, []string{"second", "first"}, ended)
	require.NoError(t, s.Close())
	require.Len(t, ended, 2)
	_, err = load("late")
	require.NoError(t, err)
	require.Equal(t, 3, made, "after the end it is made, but not kept")
	_, err = load("late")
	require.NoError(t, err)
	require.Equal(t, 4, made)
}

func TestASessionKeepsItsValuesForOnewayCalls(t *testing.T) {
	var s transport.Session
	var ended []string
	load := func(name string) any {
		v, err := s.Load(name, func() (any, error) { return closer{name, &ended}, nil })
		require.NoError(t, err)
		return v
	}
	first := load("first")
	s.Track(closer{"tracked", &ended})
	s.Hold()
	s.Hold()
	require.NoError(t, s.Close())
	require.Equal(t, []string{"tracked"}, ended, "as without one-way calls")
	require.False(t, s.Ended())
	require.Equal(t, first, load("first"))
	load("second")
	s.Release()
	require.Len(t, ended, 1)
	s.Release()
	require.Equal(t, []string{"tracked", "second", "first"}, ended)
	require.True(t, s.Ended())
	require.NoError(t, s.Close())
	require.Len(t, ended, 3)
}

func TestASessionLetsValuesGo(t *testing.T) {
	var s transport.Session
	var ended []string
	for _, name := range []string{"kept", "freed"} {
		_, err := s.Load(name, func() (any, error) { return closer{name, &ended}, nil })
		require.NoError(t, err)
	}
	require.Equal(t, closer{"freed", &ended}, s.Delete("freed"))
	require.Nil(t, s.Delete("freed"))
	v, err := s.Load("freed", func() (any, error) { return "made anew", nil })
	require.NoError(t, err)
	require.Equal(t, "made anew", v)
	require.NoError(t, s.Close())
	require.Equal(t, []string{"kept"}, ended)
	require.Nil(t, s.Delete("kept"))
}

func TestKindsAndPeersHaveNames(t *testing.T) {
	require.Equal(t, "invoke", transport.Invoke.String())
	require.Equal(t, "ping", transport.Ping.String())
	require.Equal(t, "unknown", transport.Kind(99).String())
	var nobody *transport.Peer
	require.Equal(t, "unknown peer", nobody.String())
	require.Equal(t, "unknown peer", (&transport.Peer{}).String())
}

func TestTheMethodsOfACall(t *testing.T) {
	require.Equal(t, []string{"m"}, slices.Collect((&transport.Call{Method: "m"}).Methods()))
	batch := &transport.Call{
		Kind: transport.Batch, Method: transport.BatchMethod, Entries: []codec.BatchEntry{{Method: "a"}, {Method: "b"}, {Method: "c"}},
	}
	require.Equal(t, []string{"a", "b", "c"}, slices.Collect(batch.Methods()))
	for first := range batch.Methods() {
		require.Equal(t, "a", first)
		break
	}
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

func TestASessionClosesWhatItTracks(t *testing.T) {
	var s transport.Session
	var closed []string
	resource := func(name string) io.Closer {
		f := closerFunc(func() error { closed = append(closed, name); return nil })
		return &f
	}
	first, second, third := resource("first"), resource("second"), resource("third")
	s.Track(first)
	s.Track(second)
	s.Track(closerFunc(func() error { panic("cannot be closed") }))
	s.Track(third)
	require.True(t, s.Untrack(second))
	require.False(t, s.Untrack(second), "once")
	require.False(t, s.Untrack(closerFunc(nil)), "what cannot be compared is not found")
	require.False(t, s.Ended())
	require.NoError(t, s.Close())
	require.Equal(t, []string{"third", "first"}, closed)
	require.True(t, s.Ended())
	s.Track(second)
	require.Equal(t, []string{"third", "first", "second"}, closed, "too late to wait for anything")
}

// An entry that nobody has seen leaves its memory to the next one, which finds nothing of it.
func TestEntriesOfABatchShareWhatNobodyKeeps(t *testing.T) {
	batch := &transport.Call{Object: "object", Batch: true}
	entries := transport.NewEntries(t.Context(), batch)
	kept, first := entries.Next("first", transport.Args{})
	first.Response = transport.Annotations{{Key: "NOTE", Value: []byte("x")}}
	_, second := entries.Next("second", transport.Args{})
	require.NotSame(t, first, second)
	require.Equal(t, "first", transport.FromContext(kept).Method)
	second.Server, second.Unseen = t, true
	ctx, third := entries.Next("third", transport.Args{})
	require.Same(t, second, third)
	require.Same(t, third, transport.FromContext(ctx))
	require.Equal(t, "third", third.Method)
	require.Equal(t, "object", third.Object)
	require.Nil(t, third.Server)
	require.False(t, third.Unseen)
	require.Equal(t, "first", transport.FromContext(kept).Method)
}

// The memory of a call serves another one only if nobody can have kept it.
func TestAContextIsFreedOnlyIfNobodyKeepsIt(t *testing.T) {
	kept, info := transport.NewContext(t.Context())
	info.Method = "kept"
	transport.FreeContext(kept)
	require.Equal(t, "kept", transport.FromContext(kept).Method)

	unseen, info := transport.NewContext(t.Context())
	info.Method, info.Unseen = "unseen", true
	transport.FreeContext(unseen)
	require.Empty(t, info.Method)
	require.False(t, info.Unseen)

	limited, info := transport.NewLimitedContext(t.Context(), time.Time{})
	defer transport.EndContext(limited)
	info.Method, info.Unseen = "limited", true
	transport.FreeContext(limited)
	require.Equal(t, "limited", info.Method, "who cancels calls may have it")
}
