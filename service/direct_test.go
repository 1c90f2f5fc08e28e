package service_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Results that only serializers know are for calls whose reply nobody else sees, and whose URIs no program writes itself.
func TestWhoseReplyOnlyTheSerializerSees(t *testing.T) {
	uriType := reflect.TypeFor[pyro.URI]()
	usual, _ := codec.Default.Encoder(uriType)
	translated := func(v any, d codec.Dialect) (any, error) {
		u, _ := v.(pyro.URI)
		u.Host = "outside"
		return usual(u, d)
	}
	s := service.New("o").Method("direct", func(ctx context.Context) bool { return transport.FromContext(ctx).Direct })
	direct := func(opts ...service.ServerOption) func() bool {
		p := connect(t, start(t, s, opts...).URI("o").String())
		return func() bool {
			one, err := service.Call[bool](t.Context(), p, "direct")
			require.NoError(t, err)
			b := p.Batch()
			entry := service.Queue[bool](b, "direct")
			require.NoError(t, b.Do(t.Context()))
			other, err := entry.Value()
			require.NoError(t, err)
			require.Equal(t, one, other)
			return one
		}
	}
	plain := direct()
	require.True(t, plain())
	require.False(t, direct(service.Use(transport.Middleware{Name: "none"}))())

	classes := codec.NewRegistry()
	own := direct(service.Classes(classes))
	require.True(t, own())
	codec.RegisterType[struct{ A int }](classes, "shop.Item")
	require.True(t, own())
	classes.RegisterEncoder(uriType, translated)
	require.False(t, own(), "also while the server runs")
	classes.RegisterEncoder(uriType, usual)
	require.True(t, own())
	codec.RegisterType[pyro.URI](classes, "shop.URI")
	require.False(t, own())

	t.Cleanup(func() { codec.Default.RegisterEncoder(uriType, usual) })
	codec.Default.RegisterEncoder(uriType, translated)
	require.False(t, plain())
}
