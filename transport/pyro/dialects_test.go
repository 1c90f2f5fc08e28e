package pyro_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// probeReply returns what a daemon answered to the first bytes of a probe.
func probeReply(t *testing.T, dialect, name string) []byte {
	t.Helper()
	for _, p := range vectortest.Probes(t, vectors, dialect) {
		if p.Name == name {
			return p.Steps[0].Reply
		}
	}
	require.Fail(t, "no probe", name)
	return nil
}

// A monoglot is a daemon that speaks one dialect and refuses the other as Python's do.
type monoglot struct {
	welcome map[string][]byte // CONNECTOK and CONNECTFAIL of both dialects
	refusal map[string][]byte
	echo    map[string][]byte

	mu      sync.Mutex // guards what follows
	speaks  string
	dialled []string // the dialects that were tried
}

func newMonoglot(t *testing.T, speaks string) *monoglot {
	t.Helper()
	m := &monoglot{speaks: speaks, welcome: map[string][]byte{}, refusal: map[string][]byte{}, echo: map[string][]byte{}}
	for _, d := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, d)
		m.welcome[d] = vectortest.Find(t, exchanges, "serpent/connect").Sent("server")[0]
		m.echo[d] = vectortest.Find(t, exchanges, "serpent/echo").Sent("server")[0]
	}
	m.refusal["pyro4"] = probeReply(t, "pyro4", "pyro5-client")
	m.refusal["pyro5"] = probeReply(t, "pyro5", "pyro4-client")
	return m
}

func (m *monoglot) serve(conn net.Conn) {
	f, err := vectortest.ReadFrame(conn)
	if err != nil {
		return
	}
	m.mu.Lock()
	m.dialled = append(m.dialled, f.Dialect)
	speaks := m.speaks
	m.mu.Unlock()
	if f.Dialect != speaks {
		_, _ = conn.Write(m.refusal[speaks])
		return
	}
	s := newScript(m.echo[speaks])
	if _, err := conn.Write(vectortest.Renumber(m.welcome[speaks], f.Seq)); err == nil {
		s.serve(conn)
	}
}

func (m *monoglot) speak(dialect string) (before []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.dialled, m.speaks = m.dialled, nil, dialect
	return before
}

func TestTheDialectIsFoundOutAndRemembered(t *testing.T) {
	m := newMonoglot(t, "pyro4")
	p := startPeer(t, m.serve)
	call := func(opts ...service.ProxyOption) (codec.Dialect, error) {
		proxy := proxyFor(t, p.uri("svc"), opts...)
		s, err := service.Call[string](t.Context(), proxy, "echo", "hello")
		if err != nil {
			return 0, err
		}
		require.Equal(t, "hello", s)
		info, err := proxy.Info(t.Context())
		require.NoError(t, err)
		return info.Peer.Dialect, nil
	}

	d, err := call()
	require.NoError(t, err)
	require.Equal(t, codec.Pyro4, d)
	require.Equal(t, []string{"pyro5", "pyro4"}, m.speak("pyro4"), "502 comes first")

	d, err = call()
	require.NoError(t, err)
	require.Equal(t, codec.Pyro4, d)
	require.Equal(t, []string{"pyro4"}, m.speak("pyro5"), "remembered for the address")

	d, err = call()
	require.NoError(t, err)
	require.Equal(t, codec.Pyro5, d)
	require.Equal(t, []string{"pyro4", "pyro5"}, m.speak("pyro5"), "another program has taken the address")

	d, err = call()
	require.NoError(t, err)
	require.Equal(t, codec.Pyro5, d)
	require.Equal(t, []string{"pyro5"}, m.speak("pyro4"))

	_, err = call(service.Dialect(codec.Pyro5))
	var other *pyro.DialectError
	require.ErrorAs(t, err, &other)
	require.Equal(t, codec.Pyro4, other.Answered)
	require.Equal(t, codec.Pyro5, other.Asked)
	require.ErrorContains(t, err, "the peer speaks the other dialect")
	require.True(t, transport.AsError(err).NotSent)
	require.Equal(t, []string{"pyro5"}, m.speak("pyro4"), "a fixed dialect is the only one tried")
}

func TestAProxyFollowsAPeerThatChangesItsDialect(t *testing.T) {
	m := newMonoglot(t, "pyro5")
	p := startPeer(t, m.serve)
	proxy := proxyFor(t, p.uri("svc"))
	for _, dialect := range []string{"pyro5", "pyro4", "pyro5"} {
		m.speak(dialect)
		require.Eventually(t, func() bool { // the end of the old connection may be noticed one call late
			_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
			return err == nil
		}, patience, time.Millisecond)
		info, err := proxy.Info(t.Context())
		require.NoError(t, err)
		require.Equal(t, dialectOf[dialect], info.Peer.Dialect)
		p.hangUp()
	}
}

func TestAKeyMeansPyro4(t *testing.T) {
	e := vectortest.Find(t, vectortest.Exchanges(t, vectors, "pyro4"), "hmac/connect")
	s := newScript(e.Sent("server")[0])
	p := startPeer(t, s.serve)
	info, err := proxyFor(t, p.uri("svc"), service.HMACKey("secret key")).Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, codec.Pyro4, info.Peer.Dialect)
}

// Refusals come in marshal although the client speaks serpent.
func TestRefusalsAreUnderstood(t *testing.T) {
	tests := []struct {
		dialect, probe string
		want           error
		text           string
	}{
		{"pyro4", "no-workers", transport.ErrExhausted, "no free workers, increase server threadpool size"},
		{"pyro5", "no-workers", transport.ErrExhausted, "no free workers, increase server threadpool size"},
		{"pyro4", "serializer-not-accepted", transport.ErrPermissionDenied, "message used serializer that is not accepted: 1"},
		{"pyro4", "hmac-uninvited", transport.ErrUnauthenticated, "hmac key config not symmetric"},
		{"pyro4", "hmac-missing", transport.ErrUnauthenticated, "hmac key config not symmetric"},
		{"pyro4", "bad-checksum", transport.ErrPermissionDenied, "header checksum mismatch"},
		{"pyro5", "bad-magic", transport.ErrPermissionDenied, "invalid message or protocol version"},
		{"pyro5", "too-large-connect", transport.ErrPermissionDenied, "message too large (2028, max=1000)"},
		{"pyro5", "payload-garbage", transport.ErrPermissionDenied, "invalid syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.dialect+"/"+tt.probe, func(t *testing.T) {
			reply := probeReply(t, tt.dialect, tt.probe)
			p := startPeer(t, func(conn net.Conn) {
				if _, err := vectortest.ReadFrame(conn); err == nil {
					_, _ = conn.Write(reply)
				}
			})
			err := service.Do(t.Context(), proxyFor(t, p.uri("svc"), service.Dialect(dialectOf[tt.dialect])), "nothing")
			require.ErrorIs(t, err, tt.want)
			require.ErrorContains(t, err, tt.text)
			require.True(t, transport.AsError(err).NotSent)
		})
	}
}

func TestAnswersToAHandshakeThatAreNone(t *testing.T) {
	five := vectortest.Exchanges(t, vectors, "pyro5")
	connectOK := vectortest.Find(t, five, "serpent/connect").Sent("server")[0]
	tests := []struct {
		name  string
		bytes []byte
		text  string
	}{
		{"nothing", nil, "closed the connection during the handshake"},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "invalid data"},
		{"half an answer", connectOK[:len(connectOK)-1], "unexpected EOF"},
		{"a result", vectortest.Find(t, five, "serpent/echo").Sent("server")[0], "message type 5"},
		{"a serializer that nobody knows", withByte(connectOK, 7, 99), "serializer 99"},
		{"not what its serializer makes", withByte(connectOK, 40+26, '@'), "answer to the handshake"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := startPeer(t, func(conn net.Conn) {
				if _, err := vectortest.ReadFrame(conn); err == nil {
					_, _ = conn.Write(tt.bytes)
				}
			})
			err := service.Do(t.Context(), proxyFor(t, p.uri("svc"), service.Dialect(codec.Pyro5)), "nothing")
			require.ErrorContains(t, err, tt.text)
			require.True(t, transport.AsError(err).NotSent)
		})
	}
}

func withByte(frame []byte, at int, b byte) []byte {
	frame = bytes.Clone(frame)
	frame[at] = b
	return frame
}
