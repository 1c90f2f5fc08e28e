package pyro_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

var stressCalls = flag.Int("pyro.stress", 250, "calls of each kind of connection that are made all at once")

// A ledger is what the servers of a stress have carried out.
type ledger struct {
	ran     []atomic.Int32 // by call
	notes   []atomic.Int32
	streams atomic.Int32 // that are open
	failed  atomic.Pointer[string]
}

// object is what a stress calls.
func (l *ledger) object() *service.Service {
	s := service.New("svc")
	s.Method("echo", func(i int, text string) (int, string) {
		l.ran[i].Add(1)
		return i, text
	})
	s.Method("slow", func(ctx context.Context, i, ms int) (int, error) {
		l.ran[i].Add(1)
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			return i, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
	s.Method("fail", func(i int) error {
		l.ran[i].Add(1)
		return transport.NewError("ValueError", "no")
	})
	s.Method("note", func(i int) { l.notes[i].Add(1) }, service.Oneway())
	s.Method("numbers", func(n, width int) iter.Seq[string] {
		return func(yield func(string) bool) {
			l.streams.Add(1)
			defer l.streams.Add(-1)
			for i := range n {
				if !yield(strings.Repeat("x", width) + string(rune('a'+i%26))) {
					return
				}
			}
		}
	})
	return s
}

// A stress is servers that come and go at one address, and everything that calls them.
type stress struct {
	*ledger

	t       *testing.T
	address string
	server  []service.ServerOption
	next    atomic.Int64
	good    atomic.Int64
}

func (s *stress) start() *service.Server {
	s.t.Helper()
	srv := service.NewServer(append(slices.Clip(s.server), service.Listen("tcp", s.address), service.Logger(slog.New(slog.DiscardHandler)))...)
	require.NoError(s.t, srv.Add(s.object()))
	require.NoError(s.t, srv.Start())
	if s.address == "127.0.0.1:0" {
		_, s.address = srv.URI("svc").Address()
	}
	return srv
}

// judge looks whether an error says the truth about a call.
func (s *stress) judge(i int, err error) {
	e := transport.AsError(err)
	switch {
	case err == nil:
		s.good.Add(1)
		s.expect(s.ran[i].Load() == 1, "answered, and not carried out once")
	case e.NotSent:
		s.expect(s.ran[i].Load() == 0, "carried out, but not sent: "+err.Error())
	case errors.Is(err, transport.ErrUnavailable), errors.Is(err, transport.ErrTimeout), errors.Is(err, transport.ErrCanceled),
		errors.Is(err, transport.ErrExhausted), e.Remote:
	default:
		s.expect(false, err.Error())
	}
}

func (s *stress) expect(ok bool, what string) {
	if !ok {
		s.failed.CompareAndSwap(nil, &what)
	}
}

// call makes calls of all kinds until there were enough.
func (s *stress) call(p *service.Proxy, total int) {
	for {
		i := int(s.next.Add(1) - 1)
		if i >= total {
			return
		}
		ctx, cancel := s.t.Context(), context.CancelFunc(func() {})
		if i%7 == 0 {
			ctx, cancel = context.WithTimeout(ctx, rand.N(5*time.Millisecond))
		}
		s.one(ctx, p, i)
		cancel()
	}
}

func (s *stress) one(ctx context.Context, p *service.Proxy, i int) {
	switch rand.N(12) {
	case 0:
		_ = service.Do(ctx, p, "note", i)
	case 1:
		s.batch(ctx, p, i)
	case 2:
		s.judge(i, service.Do(ctx, p, "slow", i, rand.N(20)))
	case 3:
		err := service.Do(ctx, p, "fail", i)
		s.expect(err != nil, "an exception that was not raised")
		s.judge(i, err)
	case 4:
		s.walk(ctx, p, service.Ahead())
	case 5:
		s.walk(ctx, p)
	case 6:
		s.echo(ctx, p, i, rand.N(3<<20)) // some have to wait for room, some are too long
	case 7:
		_ = p.Release()
	default:
		s.echo(ctx, p, i, rand.N(300))
	}
}

func (s *stress) echo(ctx context.Context, p *service.Proxy, i, size int) {
	text := strings.Repeat(string(rune('a'+i%26)), size)
	got, err := service.Call[struct {
		_ struct{} `pyro:",tuple"`
		I int
		T string
	}](ctx, p, "echo", i, text)
	s.expect(err != nil || got.I == i && got.T == text, "the answer of another call")
	s.judge(i, err)
}

func (s *stress) batch(ctx context.Context, p *service.Proxy, i int) {
	b := p.Batch()
	text := strings.Repeat("b", rand.N(2000))
	for range 5 {
		service.Queue[any](b, "echo", i, text)
	}
	err := b.Do(ctx)
	if n := s.ran[i].Load(); err == nil {
		s.expect(n == 5, "a batch that was not carried out once")
	} else {
		s.expect(n <= 5, "a batch that was carried out twice")
	}
}

func (s *stress) walk(ctx context.Context, p *service.Proxy, opts ...any) {
	items, width, most := rand.N(300), rand.N(3000), rand.N(400)
	n := 0
	var failed error
	for text, err := range service.Stream[string](ctx, p, "numbers", append([]any{items, width}, opts...)...) {
		if failed = err; err != nil || n == most {
			break
		}
		s.expect(strings.HasSuffix(text, string(rune('a'+n%26))), "an item is missing")
		n++
	}
	s.expect(failed != nil || n == min(items, most), "items are missing")
}

// idle is a plain peer that asks for much, and reads little of it or nothing.
func (s *stress) idle(dial func() (net.Conn, error), stop <-chan struct{}) {
	request := vectortest.Build("pyro5", 4, 0, 1, 1, "# serpent utf-8 python3.2\n('svc','echo',(0,'"+strings.Repeat("x", 100<<10)+"'),{})")
	hello := vectortest.Build("pyro5", 1, 0, 0, 1, "# serpent utf-8 python3.2\n{'handshake':'hello','object':'svc'}")
	for {
		select {
		case <-stop:
			return
		default:
		}
		wire, err := dial()
		if err != nil {
			continue
		}
		_ = wire.SetDeadline(time.Now().Add(rand.N(300 * time.Millisecond)))
		_, _ = wire.Write(append(slices.Clone(hello), bytes.Repeat(request, 8)...))
		_, _ = wire.Read(make([]byte, rand.N(100<<10)+1))
		<-time.After(rand.N(100 * time.Millisecond))
		_ = wire.Close()
	}
}

// Whatever comes together, no call is answered wrongly or carried out twice, and nothing is left in the end.
func TestEverythingAtOnce(t *testing.T) {
	cert := certtest.SelfSigned(t)
	secret, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	secure := &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13}
	key := service.HMACKey("key")
	const restarts = 8
	tests := map[string]struct {
		server []service.ServerOption
		proxy  []service.ProxyOption
		secure bool
	}{
		"plain":            {},
		"TLS":              {server: []service.ServerOption{service.ServerTLS(&tls.Config{Certificates: []tls.Certificate{secret}, MinVersion: tls.VersionTLS13})}, proxy: []service.ProxyOption{service.TLS(secure)}, secure: true},
		"signed, deflated": {server: []service.ServerOption{key, service.Compression(), service.AllowUnsigned()}, proxy: []service.ProxyOption{key, service.Compression()}},
		"in order":         {server: []service.ServerOption{service.OnewayInOrder(), service.StreamLinger(-1)}, proxy: []service.ProxyOption{service.ReconnectAfterTimeout()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			total := *stressCalls
			s := &stress{t: t, address: "127.0.0.1:0", ledger: &ledger{ran: make([]atomic.Int32, total), notes: make([]atomic.Int32, total)}}
			s.server = append(slices.Clone(tt.server), service.MaxUnsentSize(mib), service.MaxMessageSize(2*mib), service.MaxInflatedSize(2*mib))
			s.next.Store(1) // 0 is for those who read nothing
			srv := s.start()
			plain := func() (net.Conn, error) { return (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address) }
			dial := plain
			if tt.secure {
				dial = func() (net.Conn, error) {
					nc, err := plain()
					if err != nil {
						return nil, err
					}
					return tls.Client(nc, secure), nil
				}
			}
			stop := make(chan struct{})
			var peers, callers sync.WaitGroup
			for range 4 {
				peers.Go(func() { s.idle(dial, stop) })
			}
			proxies := make([]*service.Proxy, 4)
			for i := range proxies {
				p, err := service.Connect("PYRO:svc@"+s.address, append(tt.proxy, service.ConnectAttempts(10))...)
				require.NoError(t, err)
				proxies[i] = p
				for range 4 {
					callers.Go(func() { s.call(p, total) })
				}
			}
			for restart := range restarts {
				enough := int64((restart + 1) * total / (restarts + 1))
				require.Eventually(t, func() bool { return s.next.Load() >= enough }, time.Minute, time.Millisecond)
				old := srv
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if restart%3 == 2 {
					cancel() // cut off
				}
				_ = old.Shutdown(ctx)
				cancel()
				s.gone(old)
				srv = s.start()
			}
			callers.Wait()
			close(stop)
			peers.Wait()
			for _, p := range proxies {
				require.NoError(t, p.Close())
			}
			require.NoError(t, srv.Shutdown(t.Context()))
			s.gone(srv)
			require.Nil(t, s.failed.Load())
			require.Positive(t, s.good.Load())
			for i := range s.notes {
				require.LessOrEqual(t, s.notes[i].Load(), int32(1))
			}
		})
	}
}

// gone waits until nothing is left of a server.
func (s *stress) gone(srv *service.Server) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		stats := srv.Stats()
		return stats.Connections == 0 && stats.Unsent == 0 && stats.Streams == 0 && stats.CallsRunning == 0
	}, 20*time.Second, time.Millisecond, srv.Stats())
}
