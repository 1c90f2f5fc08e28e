package nameserver

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
)

// Who gives up while somebody else looks for the name server gets an error like any other of this package.
func TestGivingUpWhileTheNameServerIsLookedFor(t *testing.T) {
	s := newSession(Locator{Locations: []string{"ns.example"}}, 0, 0)
	<-s.finding
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.use(ctx, func(*Client) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, transport.CodeCanceled, e.Code)
}
