package pyro_test

import (
	"context"
	"errors"
	"net"
	"slices"
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

// serveGiven serves one end of a pipe and returns the other, and what ServeConn returns in the end.
func serveGiven(t *testing.T, ctx context.Context, h pyro.Handler) (*pyro.Server, net.Conn, chan error) { //nolint:revive // t comes first
	t.Helper()
	srv, err := pyro.NewServer(h, pyro.ServerConfig{HandshakeTimeout: time.Second})
	require.NoError(t, err)
	client, server := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- srv.ServeConn(ctx, server, pyro.ListenConfig{}) }()
	return srv, client, ended
}

func TestAGivenConnectionHasNoHandshake(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				judged := 0
				h := answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
					return &transport.Reply{Value: codec.ValueOf(call.Object + "." + call.Method + " " + call.Peer.Codec)}, nil
				})
				h.Handshake = func(_ context.Context, h *transport.Handshake) (*transport.Welcome, error) {
					require.Empty(t, h.Object)
					require.Equal(t, dialect, h.Peer.Dialect.String())
					judged++
					return &transport.Welcome{}, nil
				}
				_, conn, ended := serveGiven(t, t.Context(), h)
				time.Sleep(time.Hour) // the other end need not be in a hurry
				request := vectortest.Find(t, vectortest.Exchanges(t, vectors, dialect), "serpent/echo").Sent("client")[0]
				for seq := range uint16(3) {
					_, err := conn.Write(vectortest.Renumber(request, seq))
					require.NoError(t, err)
					f, err := vectortest.ReadFrame(conn)
					require.NoError(t, err)
					require.Equal(t, seq, f.Seq)
					require.Contains(t, string(f.Payload), "svc.echo serpent")
				}
				require.Equal(t, 1, judged)
				require.NoError(t, conn.Close())
				require.NoError(t, <-ended)
			})
		})
	}
}

func TestAGivenConnectionThatIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := answers(nil)
		h.Handshake = func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
			return nil, errors.New("not you")
		}
		exchanges := vectortest.Exchanges(t, vectors, "pyro5")
		srv, conn, ended := serveGiven(t, t.Context(), h)
		_, err := conn.Write(vectortest.Find(t, exchanges, "serpent/echo").Sent("client")[0])
		require.NoError(t, err)
		_, err = vectortest.ReadFrame(conn)
		require.Error(t, err, "closed without a word: a refusal is for handshakes")
		require.NoError(t, <-ended)
		require.EqualValues(t, 1, srv.Stats().HandshakesFailed)

		ctx, cancel := context.WithCancel(t.Context())
		srv, conn, ended = serveGiven(t, ctx, answers(nil))
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, conn.Close())

		go func() { ended <- srv.Shutdown(context.Background()) }()
		require.NoError(t, <-ended)
		_, other := net.Pipe()
		require.ErrorIs(t, srv.ServeConn(t.Context(), other, pyro.ListenConfig{}), pyro.ErrServerClosed)

		srv, conn, ended = serveGiven(t, t.Context(), answers(nil))
		synctest.Wait()
		require.NoError(t, srv.Shutdown(t.Context()), "it does not wait for a first message")
		require.NoError(t, <-ended)
		require.Zero(t, srv.Stats().IdleTimeouts)
		require.NoError(t, conn.Close())
	})
}

func TestOnewayCallsInOrder(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var order []string
				note := func(s string) {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, s)
				}
				m := serveInMemory(t, answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
					if call.Method == "slow" {
						time.Sleep(time.Second)
					}
					note(call.Method)
					if call.Method == "fail" {
						return nil, errors.New("nobody hears of it")
					}
					return &transport.Reply{}, nil
				}), pyro.ServerConfig{OnewayInOrder: true, Plain: true})
				c := m.dial(nil)
				want := []string{"slow", "quick", "fail", "slow", "last"}
				for _, method := range want[:4] {
					_, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: method, Oneway: true})
					require.NoError(t, err)
				}
				_, err := invoke(t.Context(), c, "last")
				require.NoError(t, err)
				mu.Lock()
				require.Equal(t, want, slices.Clone(order))
				mu.Unlock()
				m.end(c)
			})
		})
	}
}
