package transport_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
)

var errBecause = errors.New("because")

func TestALimitedContextEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			ctx, _ := transport.NewLimitedContext(t.Context(), time.Now().Add(time.Second))
			if asked {
				require.Empty(t, ctx.Done())
			}
			require.NoError(t, ctx.Err())
			time.Sleep(time.Second)
			synctest.Wait()
			require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
			<-ctx.Done()
			transport.EndContext(ctx)
		}
	})
}

func TestALimitedContextIsCancelledWithACause(t *testing.T) {
	for _, asked := range []bool{false, true} {
		ctx, info := transport.NewLimitedContext(t.Context(), time.Time{})
		if asked {
			require.NotNil(t, ctx.Done())
		}
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		transport.CancelContext(ctx, errBecause)
		<-child.Done()
		<-ctx.Done()
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		require.ErrorIs(t, context.Cause(ctx), errBecause)
		require.ErrorIs(t, context.Cause(child), errBecause)
		require.Same(t, info, transport.FromContext(child))
		transport.EndContext(ctx)
		require.ErrorIs(t, context.Cause(ctx), errBecause)
	}
}

func TestALimitedContextEndsWithItsParentAndWithItsCall(t *testing.T) {
	parent, cancel := context.WithCancelCause(t.Context())
	ctx, _ := transport.NewLimitedContext(parent, time.Time{})
	over, _ := transport.NewLimitedContext(parent, time.Time{})
	transport.EndContext(over)
	<-over.Done()
	require.NoError(t, ctx.Err())
	cancel(errBecause)
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.ErrorIs(t, context.Cause(ctx), errBecause)
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), errBecause)
}

func TestOtherContextsAreLeftAlone(t *testing.T) {
	ctx, _ := transport.NewContext(t.Context())
	transport.CancelContext(ctx, errBecause)
	transport.EndContext(ctx)
	require.NoError(t, ctx.Err())
}
