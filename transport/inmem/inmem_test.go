package inmem_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/transport/inmem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatIsWrittenAtOneEndIsReadAtTheOther(t *testing.T) {
	l := inmem.Listen()
	var wg sync.WaitGroup
	wg.Go(func() {
		server, err := l.Accept()
		require.NoError(t, err)
		_, err = io.Copy(server, io.LimitReader(server, 5))
		require.NoError(t, err)
		require.NoError(t, server.Close())
	})
	client, err := l.DialContext(t.Context(), "tcp", "anywhere")
	require.NoError(t, err)
	_, err = client.Write([]byte("hello"))
	require.NoError(t, err)
	echo, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "hello", string(echo))
	require.NoError(t, client.Close())
	wg.Wait()
	require.Equal(t, "memory:1", l.Addr().String())
	require.Equal(t, "memory", l.Addr().Network())
}

func TestAClosedListenerAcceptsAndDialsNoMore(t *testing.T) {
	l := inmem.Listen()
	accepted, dialled := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "a second time is harmless")
	require.ErrorIs(t, <-accepted, net.ErrClosed)
	go func() {
		_, err := l.DialContext(t.Context(), "", "")
		dialled <- err
	}()
	require.ErrorIs(t, <-dialled, net.ErrClosed)
}

func TestDiallingEndsWithItsContext(t *testing.T) {
	l := inmem.Listen()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.DialContext(ctx, "", "")
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, l.Close())
}
