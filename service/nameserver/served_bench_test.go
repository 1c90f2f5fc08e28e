package nameserver_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// pyro5Frame returns a message of Pyro5 in serpent.
func pyro5Frame(kind byte, payload string) []byte {
	payload = "# serpent utf-8 python3.2\n" + payload
	b := append([]byte("PYRO\x01\xf6"), kind, 1, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, make([]byte, 22)...)
	return append(append(b, 0x4d, 0xc5), payload...)
}

// A replay is a connection whose peer asks over and over, and reads nothing.
type replay struct {
	net.Conn

	asked [][]byte
	next  int
	left  int
	part  []byte
	ended chan struct{}
}

func (r *replay) Read(b []byte) (int, error) {
	if len(r.part) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.part = r.asked[r.next%len(r.asked)]
		if r.next++; r.next == len(r.asked) {
			r.next = 1
		}
	}
	n := copy(b, r.part)
	r.part = r.part[n:]
	return n, nil
}

func (r *replay) Write(b []byte) (int, error)      { return len(b), nil }
func (r *replay) Close() error                     { close(r.ended); return nil }
func (r *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (r *replay) LocalAddr() net.Addr              { return r.RemoteAddr() }
func (r *replay) SetDeadline(time.Time) error      { return nil }
func (r *replay) SetReadDeadline(time.Time) error  { return nil }
func (r *replay) SetWriteDeadline(time.Time) error { return nil }

type oneByOne struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *oneByOne) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *oneByOne) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *oneByOne) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9090} }

// BenchmarkLookupServed is what the server does for a lookup between reading and writing.
func BenchmarkLookupServed(b *testing.B) {
	const names = 10_000
	s := storage.NewMemory()
	asked := [][]byte{pyro5Frame(1, "{'handshake':'hello','object':'Pyro.NameServer'}")}
	for i := range names {
		name := fmt.Sprintf("bench.name.%d", i)
		r := storage.Record{Name: name, URI: fmt.Sprintf("PYRO:obj_%08d@192.168.1.17:50123", i), Tags: []string{"class:bench", "odd"}}
		require.NoError(b, s.Put(b.Context(), r, false))
		asked = append(asked, pyro5Frame(4, fmt.Sprintf("('Pyro.NameServer','lookup',('%s',),{})", name)))
	}
	l := &oneByOne{conns: make(chan net.Conn), done: make(chan struct{})}
	ns := nameserver.New(nameserver.ListenOn(l), nameserver.Storage(s), nameserver.Logger(quiet()))
	require.NoError(b, ns.Start(b.Context()))
	c := &replay{asked: asked, left: b.N + 1, ended: make(chan struct{})}
	b.ReportAllocs()
	b.ResetTimer()
	l.conns <- c
	<-c.ended
	b.StopTimer()
	require.NoError(b, ns.Shutdown(b.Context()))
}
