package pyro_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestAMethodNoticesThatItsCallerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, cause := make(chan struct{}), make(chan error, 1)
		m := serveInMemory(t, answers(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			close(entered)
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return &transport.Reply{}, nil
		}), pyro.ServerConfig{})
		c := m.dial(nil)
		go func() { _, _ = invoke(context.Background(), c, "m") }()
		<-entered
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-cause, pyro.ErrCallerGone)
		m.end()
	})
}

// A plain peer sends calls without waiting for the answers: they are carried out and answered in order,
// however long each takes, and while one runs no more than one is taken off the connection.
func TestCallsOfAPlainPeerStayInOrder(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const calls = 20
				var mu sync.Mutex
				var order []uint16
				running := 0
				m := serveInMemory(t, answers(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					mu.Lock()
					running++
					require.Equal(t, 1, running)
					order = append(order, call.Header.Seq)
					mu.Unlock()
					if call.Header.Seq%3 != 0 {
						time.Sleep(time.Second)
					}
					mu.Lock()
					running--
					mu.Unlock()
					return &transport.Reply{Value: codec.ValueOf(int(call.Header.Seq))}, ctx.Err()
				}), pyro.ServerConfig{IdleTimeout: 100 * time.Millisecond})
				conn, err := m.l.DialContext(t.Context(), "", "")
				require.NoError(t, err)
				exchanges := vectortest.Exchanges(t, vectors, dialect)
				_, err = conn.Write(vectortest.Find(t, exchanges, "serpent/connect").Sent("client")[0])
				require.NoError(t, err)
				_, err = vectortest.ReadFrame(conn)
				require.NoError(t, err)
				request := vectortest.Find(t, exchanges, "serpent/echo").Sent("client")[0]
				go func() {
					for i := range calls {
						_, _ = conn.Write(vectortest.Renumber(request, uint16(i))) // what is missing is not answered
					}
				}()
				for i := range calls {
					f, err := vectortest.ReadFrame(conn)
					require.NoError(t, err)
					require.Equal(t, uint16(i), f.Seq)
				}
				for i := range calls {
					require.Equal(t, uint16(i), order[i])
				}
				begun := time.Now()
				_, err = vectortest.ReadFrame(conn)
				require.Error(t, err, "the idle time began with the last answer")
				require.Equal(t, 100*time.Millisecond, time.Since(begun))
				require.NoError(t, conn.Close())
				m.end()
			})
		})
	}
}

// Replies that are ready do not wait for the slow call that came together with theirs.
func TestReadyRepliesLeaveBeforeASlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		m := serveInMemory(t, answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Header.Seq == 2 {
				<-release
			}
			return &transport.Reply{}, nil
		}), pyro.ServerConfig{})
		conn, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		exchanges := vectortest.Exchanges(t, vectors, "pyro5")
		_, err = conn.Write(vectortest.Find(t, exchanges, "serpent/connect").Sent("client")[0])
		require.NoError(t, err)
		_, err = vectortest.ReadFrame(conn)
		require.NoError(t, err)
		request := vectortest.Find(t, exchanges, "serpent/echo").Sent("client")[0]
		var both []byte
		both = append(both, vectortest.Renumber(request, 1)...)
		both = append(both, vectortest.Renumber(request, 2)...)
		_, err = conn.Write(both)
		require.NoError(t, err)
		f, err := vectortest.ReadFrame(conn)
		require.NoError(t, err)
		require.Equal(t, uint16(1), f.Seq)
		close(release)
		f, err = vectortest.ReadFrame(conn)
		require.NoError(t, err)
		require.Equal(t, uint16(2), f.Seq)
		require.NoError(t, conn.Close())
		m.end()
	})
}
