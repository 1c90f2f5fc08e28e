package correlation_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	made, err := correlation.FromConfig(&configv1.Correlation{}, middleware.Env{})
	require.NoError(t, err)
	_, err = made.Call(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
		require.NotEqual(t, uuid.Nil, correlation.FromContext(ctx))
		return &transport.Reply{}, nil
	})(t.Context(), &transport.Call{})
	require.NoError(t, err)
}
