package service_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A method registers what it makes, and takes itself back, as Python's do through _pyroDaemon.
func TestMethodsKnowTheirServerAndService(t *testing.T) {
	s := service.New("factory")
	s.Method("make", func(ctx context.Context) (*service.Service, error) {
		made := service.New("").Method("whose", func(ctx context.Context) string { return service.ServiceFrom(ctx).Name() })
		return made, service.ServerFrom(ctx).Add(made)
	})
	s.Method("retire", func(ctx context.Context) string {
		self := service.ServiceFrom(ctx)
		service.ServerFrom(ctx).Remove(self)
		return service.ServiceFrom(ctx).Name()
	})
	s.Method("names", func(ctx context.Context) iter.Seq[string] {
		return func(yield func(string) bool) { yield(service.ServiceFrom(ctx).Name()) }
	})
	s.Property("name", func(ctx context.Context) string { return service.ServiceFrom(ctx).Name() }, nil)
	srv := start(t, s)
	p := connect(t, srv.URI("factory").String())
	made, err := service.Call[*service.Proxy](t.Context(), p, "make")
	require.NoError(t, err)
	defer made.Close()
	name, err := service.Call[string](t.Context(), made, "whose")
	require.NoError(t, err)
	require.Equal(t, made.URI().Object, name)
	name, err = service.Get[string](t.Context(), p, "name")
	require.NoError(t, err)
	require.Equal(t, "factory", name)
	for name, err := range service.Stream[string](t.Context(), p, "names") {
		require.NoError(t, err)
		require.Equal(t, "factory", name)
	}
	b := p.Batch()
	retired := service.Queue[string](b, "retire")
	require.NoError(t, b.Do(t.Context()))
	name, err = retired.Value()
	require.NoError(t, err)
	require.Equal(t, "factory", name, "the call that runs goes on")
	require.ErrorIs(t, service.Do(t.Context(), p, "retire"), transport.ErrNotFound)
	require.Nil(t, service.ServerFrom(t.Context()))
	require.Nil(t, service.ServiceFrom(t.Context()))
}

func TestFactoriesOfInstancesKnowTheServer(t *testing.T) {
	var srv *service.Server
	got := make(chan *service.Server, 1)
	srv = start(t, service.PerSession(func(ctx context.Context) (*panicker, error) {
		got <- service.ServerFrom(ctx)
		return &panicker{none: []int{7}}, nil
	}).Named("o"))
	n, err := service.Call[int](t.Context(), connect(t, srv.URI("o").String()), "out_of_range", 0)
	require.NoError(t, err)
	require.Equal(t, 7, n)
	require.Same(t, srv, <-got)
}
