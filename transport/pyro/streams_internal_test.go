package pyro

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
)

// ownStreams adds n streams to s that belong to a connection.
func ownStreams(tb testing.TB, s *Server, n int) (*serverConn, []*stream) {
	tb.Helper()
	near, far := net.Pipe()
	tb.Cleanup(func() { require.NoError(tb, errors.Join(near.Close(), far.Close())) })
	c := newServerConn(s, near, ListenConfig{})
	streams := make([]*stream, n)
	for i := range streams {
		var err error
		streams[i], err = s.streams.add(func(func(any, error) bool) {}, nil, &transport.CallInfo{}, c)
		require.NoError(tb, err)
	}
	return c, streams
}

// However a stream changes its owner, each connection knows how many it has to leave.
func TestConnectionsKnowTheirStreams(t *testing.T) {
	s, err := NewServer(Handler{}, ServerConfig{Streams: StreamConfig{Linger: time.Hour}})
	require.NoError(t, err)
	first, streams := ownStreams(t, s, 4)
	second, _ := ownStreams(t, s, 1)
	require.NotNil(t, s.streams.find(streams[0].id, second))
	require.NotNil(t, s.streams.find(streams[0].id, second), "again")
	require.Equal(t, 3, first.streams)
	require.Equal(t, 2, second.streams)
	streams[1].end()
	streams[1].end()
	require.Equal(t, 2, first.streams)
	s.streams.orphan(first)
	s.streams.orphan(first)
	require.Zero(t, first.streams)
	require.NotNil(t, streams[2].linger)
	require.NotNil(t, streams[3].linger)
	require.Nil(t, streams[0].linger)
	require.NotNil(t, s.streams.find(streams[2].id, second))
	require.Equal(t, 3, second.streams)
	s.streams.orphan(second)
	require.Zero(t, second.streams)
	require.NotNil(t, streams[0].linger)
	require.NoError(t, s.Close())
	require.Zero(t, s.streams.len())
}

// What the end of a connection without streams costs while others have many.
func BenchmarkOrphan(b *testing.B) {
	s, err := NewServer(Handler{}, ServerConfig{})
	require.NoError(b, err)
	ownStreams(b, s, 9000)
	c, _ := ownStreams(b, s, 0)
	for b.Loop() {
		s.streams.orphan(c)
	}
	require.NoError(b, s.Close())
}
