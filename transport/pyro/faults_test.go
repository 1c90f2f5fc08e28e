package pyro_test

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// captured returns what the server sent in an exchange.
func captured(t *testing.T, dialect, name string) [][]byte {
	t.Helper()
	return vectortest.Find(t, vectortest.Exchanges(t, vectors, dialect), name).Sent("server")
}

// A faultyPeer shakes hands properly, and then does with each request what answer says.
type faultyPeer struct {
	*peer

	welcome     []byte
	connections atomic.Int32
}

func startFaulty(t *testing.T, dialect string, answer func(conn net.Conn, f *vectortest.Frame) bool) *faultyPeer {
	t.Helper()
	hello := "serpent/connect"
	p := &faultyPeer{welcome: captured(t, dialect, hello)[0]}
	p.peer = startPeer(t, func(conn net.Conn) {
		p.connections.Add(1)
		for {
			f, err := vectortest.ReadFrame(conn)
			if err != nil {
				return
			}
			if f.Type == vectortest.Connect {
				_, _ = conn.Write(vectortest.Renumber(p.welcome, f.Seq))
			} else if !answer(conn, f) {
				return
			}
		}
	})
	return p
}

// reply writes a captured frame under the number of the request.
func reply(conn net.Conn, frame []byte, f *vectortest.Frame) bool {
	_, err := conn.Write(vectortest.Renumber(frame, f.Seq))
	return err == nil
}

func TestAReplyThatIsNoneEndsTheConnection(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		echo := captured(t, dialect, "serpent/echo")[0]
		tests := []struct {
			name  string
			bytes func(seq uint16) []byte
			want  error
			text  string
		}{
			{"another number", func(seq uint16) []byte { return vectortest.Renumber(echo, seq+1) }, transport.ErrInternal, "sequence number 2, which no call has"},
			{"another serializer", func(seq uint16) []byte { return otherSerializer(vectortest.Renumber(echo, seq)) }, transport.ErrInternal, "invalid serializer in response: 2"},
			{"another type", func(seq uint16) []byte {
				return vectortest.Renumber(captured(t, dialect, "serpent/connect")[0], seq)
			}, transport.ErrInternal, "message type 2, want 5"},
			{"garbage", func(uint16) []byte { return []byte(strings.Repeat("garbage ", 10)) }, transport.ErrUnavailable, "invalid data"},
			{"cut in the header", func(seq uint16) []byte { return vectortest.Renumber(echo, seq)[:20] }, transport.ErrUnavailable, "EOF"},
			{"cut in the payload", func(seq uint16) []byte { return vectortest.Renumber(echo, seq)[:len(echo)-1] }, transport.ErrUnavailable, "EOF"},
			{"nothing", func(uint16) []byte { return nil }, transport.ErrUnavailable, "the peer closed the connection: EOF"},
		}
		for _, tt := range tests {
			t.Run(dialect+"/"+tt.name, func(t *testing.T) {
				var healed atomic.Bool
				p := startFaulty(t, dialect, func(conn net.Conn, f *vectortest.Frame) bool {
					if healed.Load() {
						return reply(conn, echo, f)
					}
					_, _ = conn.Write(tt.bytes(f.Seq))
					return false
				})
				proxy := proxyFor(t, p.uri("svc"), service.Dialect(dialectOf[dialect]))
				_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
				require.ErrorIs(t, err, tt.want)
				require.ErrorContains(t, err, tt.text)
				require.False(t, transport.AsError(err).NotSent, "it may have been carried out")

				healed.Store(true)
				s, err := service.Call[string](t.Context(), proxy, "echo", "hello")
				require.NoError(t, err, "the next call connects again")
				require.Equal(t, "hello", s)
				require.Equal(t, int32(2), p.connections.Load())
			})
		}
	}
}

// otherSerializer turns a frame's serializer from 1 to 2.
func otherSerializer(frame []byte) []byte {
	if binary.BigEndian.Uint16(frame[4:]) == 502 {
		frame[7] = 2
		return frame
	}
	frame[17] = 2
	binary.BigEndian.PutUint16(frame[22:], binary.BigEndian.Uint16(frame[22:])+1)
	return frame
}

func TestAWrongSignatureEndsTheConnection(t *testing.T) {
	good := captured(t, "pyro4", "hmac/echo")[0]
	tests := map[string][]byte{
		"forged":   withByte(good, len(good)-2, 'X'),
		"unsigned": captured(t, "pyro4", "serpent/echo")[0],
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			p := startFaulty(t, "pyro4", func(conn net.Conn, f *vectortest.Frame) bool { return reply(conn, bad, f) })
			p.welcome = captured(t, "pyro4", "hmac/connect")[0]
			proxy := proxyFor(t, p.uri("svc"), service.HMACKey("secret key"))
			for range 2 {
				_, err := service.Call[string](t.Context(), proxy, "echo", "signed")
				require.ErrorIs(t, err, transport.ErrUnauthenticated)
			}
			require.Equal(t, int32(2), p.connections.Load(), "each call had a connection of its own")
		})
	}
}

func TestACancelledCallLeavesTheConnectionAndItsLateReplyIsDropped(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			echo, none := captured(t, dialect, "serpent/echo")[0], captured(t, dialect, "serpent/no-arguments")[0]
			arrived := make(chan struct{}, 1)
			var held []*vectortest.Frame
			p := startFaulty(t, dialect, func(conn net.Conn, f *vectortest.Frame) bool {
				if strings.Contains(string(f.Payload), "nothing") {
					held = append(held, f)
					arrived <- struct{}{}
					return true
				}
				for _, late := range held { // now, before the answer that somebody waits for
					reply(conn, none, late)
				}
				held = nil
				return reply(conn, echo, f)
			})
			proxy := proxyFor(t, p.uri("svc"), service.Dialect(dialectOf[dialect]))
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					<-arrived
					cancel()
				}()
				err := service.Do(ctx, proxy, "nothing")
				require.ErrorIs(t, err, transport.ErrCanceled)
				require.ErrorIs(t, err, context.Canceled)
				require.False(t, transport.AsError(err).NotSent)
			}
			for range 3 {
				s, err := service.Call[string](t.Context(), proxy, "echo", "hello")
				require.NoError(t, err)
				require.Equal(t, "hello", s)
			}
			require.Equal(t, int32(1), p.connections.Load())
		})
	}
}

// A peer that reads no more, with more to send than the connection holds.
func TestAPeerThatNeverReadsHoldsNobody(t *testing.T) {
	release := make(chan struct{})
	p := startFaulty(t, "pyro5", func(net.Conn, *vectortest.Frame) bool {
		<-release
		return false
	})
	defer close(release)
	proxy := proxyFor(t, p.uri("svc"), service.Dialect(codec.Pyro5))
	big := strings.Repeat("x", 8<<20)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := service.Call[any](ctx, proxy, "echo", big)
			require.ErrorIs(t, err, transport.ErrTimeout)
		})
	}
	wg.Wait()
	require.NoError(t, proxy.Close())
	_, err := service.Call[any](t.Context(), proxy, "echo", "after")
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.True(t, transport.AsError(err).NotSent)
}

func TestCloseEndsTheCallsInFlight(t *testing.T) {
	arrived := make(chan struct{}, 8)
	p := startFaulty(t, "pyro5", func(net.Conn, *vectortest.Frame) bool {
		arrived <- struct{}{}
		return true
	})
	proxy := proxyFor(t, p.uri("svc"), service.Dialect(codec.Pyro5))
	var wg sync.WaitGroup
	for range cap(arrived) {
		wg.Go(func() {
			err := service.Do(context.Background(), proxy, "nothing")
			require.ErrorIs(t, err, transport.ErrUnavailable)
			require.False(t, transport.AsError(err).NotSent)
		})
	}
	for range cap(arrived) {
		<-arrived
	}
	require.NoError(t, proxy.Close())
	wg.Wait()
}

func TestNotSentIsTrueExactlyWhenNothingLeft(t *testing.T) {
	echo, fail := captured(t, "pyro5", "serpent/echo")[0], captured(t, "pyro5", "serpent/exception")[0]
	p := startFaulty(t, "pyro5", func(conn net.Conn, f *vectortest.Frame) bool {
		switch call := string(f.Payload); {
		case strings.Contains(call, "'fail'"):
			return reply(conn, fail, f)
		case strings.Contains(call, "'nothing'"):
			return true // no answer
		case strings.Contains(call, "'divide'"):
			return false // hangs up
		default:
			return reply(conn, echo, f)
		}
	})
	ended, end := context.WithCancel(t.Context())
	end()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "PYRO:svc@" + l.Addr().String()
	require.NoError(t, l.Close())
	tests := []struct {
		name   string
		uri    string
		ctx    context.Context //nolint:containedctx // of one call
		opts   []service.ProxyOption
		method string
		args   []any
		want   bool
	}{
		{name: "nobody listens", uri: nobody, method: "echo", args: []any{1}, want: true},
		{name: "the context was over", ctx: ended, method: "echo", args: []any{1}, want: true},
		{name: "the object has no such method", method: "nonsense", want: true},
		{name: "an argument cannot be encoded", method: "echo", args: []any{func() {}}, want: true},
		{name: "the message is too large", opts: []service.ProxyOption{service.MaxMessageSize(2000)}, method: "echo", args: []any{strings.Repeat("x", 3000)}, want: true},
		{name: "an annotation has a bad key", method: "echo", args: []any{1, service.WithAnnotation("TOOLONG", nil)}, want: true},
		{name: "the method raised", method: "fail", want: false},
		{name: "the peer hung up", method: "divide", args: []any{1, 0}, want: false},
		{name: "no answer came in time", method: "nothing", args: []any{service.Timeout(500 * time.Millisecond)}, want: false},
	}
	for _, tt := range tests {
		for _, warm := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				uri := p.uri("svc")
				if tt.uri != "" {
					uri = tt.uri
				}
				proxy := proxyFor(t, uri, append([]service.ProxyOption{service.Dialect(codec.Pyro5)}, tt.opts...)...)
				if warm && tt.uri == "" {
					_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
					require.NoError(t, err)
				}
				ctx := t.Context()
				if tt.ctx != nil {
					ctx = tt.ctx
				}
				err := service.Do(ctx, proxy, tt.method, tt.args...)
				var e *transport.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tt.want, e.NotSent)
			})
		}
	}
}

// The end of an idle connection is noticed before the call is sent, and the call goes over a new one.
func TestACallOverADeadConnectionIsSentAgainOnlyIfItNeverLeft(t *testing.T) {
	echo := captured(t, "pyro5", "serpent/echo")[0]
	var calls atomic.Int32
	p := startFaulty(t, "pyro5", func(conn net.Conn, f *vectortest.Frame) bool {
		calls.Add(1)
		return reply(conn, echo, f)
	})
	proxy := proxyFor(t, p.uri("svc"), service.Dialect(codec.Pyro5))
	made := int32(0)
	for range 20 {
		_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
		if err == nil {
			made++
		} else {
			require.ErrorIs(t, err, transport.ErrUnavailable)
		}
		p.hangUp()
	}
	require.Equal(t, made, calls.Load(), "what failed was not carried out, what was carried out did not fail")
	require.Positive(t, made)
}
