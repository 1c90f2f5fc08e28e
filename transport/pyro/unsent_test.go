package pyro_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const mib = 1 << 20

// sized answers a call of the method "3" with 3 MiB of text, and one of "small" with little. What "hidden3" returns is
// longer than it looks.
func sized(sizes ...int) pyro.Handler {
	values := map[string]any{"small": "x"}
	for _, n := range sizes {
		values[strconv.Itoa(n)] = strings.Repeat("x", n*mib)
		values[fmt.Sprint("hidden", n)] = map[int]string{1: strings.Repeat("x", n*mib)}
	}
	return answers(func(_ context.Context, c *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{Value: codec.ValueOf(values[c.Method])}, nil
	})
}

// ask connects as a plain client, calls a method and does not read the answer.
func (m *memoryServer) ask(method string) net.Conn {
	m.t.Helper()
	wire, err := m.l.DialContext(m.t.Context(), "", "")
	require.NoError(m.t, err)
	askOver(m.t, wire, method)
	return wire
}

func askOver(t *testing.T, wire net.Conn, method string) {
	t.Helper()
	const header = "# serpent utf-8 python3.2\n"
	_, err := wire.Write(vectortest.Build("pyro5", 1, 0, 0, 1, header+"{'handshake':'hello','object':'o'}"))
	require.NoError(t, err)
	_, err = vectortest.ReadFrame(wire)
	require.NoError(t, err)
	_, err = wire.Write(vectortest.Build("pyro5", 4, 0, 1, 1, header+"('o','"+method+"',(),{})"))
	require.NoError(t, err)
}

// readAll reads an answer to its end, a piece each time.
func readAll(wire net.Conn, piece int, each time.Duration) (n int, err error) {
	b := make([]byte, piece)
	for {
		got, err := io.ReadAtLeast(wire, b, 1)
		n += got
		if err != nil || bytes.HasSuffix(b[:got], []byte("'")) {
			return n, err
		}
		time.Sleep(each)
	}
}

// watchUnsent returns the most bytes that were unsent at a time, once the test has ended what it does.
func (m *memoryServer) watchUnsent() (most func() int64) {
	var peak atomic.Int64
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			peak.Store(max(peak.Load(), m.Stats().Unsent))
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	return func() int64 { close(stop); watching.Wait(); return peak.Load() }
}

func (m *memoryServer) close(conns []net.Conn) {
	for _, c := range conns {
		require.NoError(m.t, c.Close())
	}
	synctest.Wait()
	require.Zero(m.t, m.Stats().Unsent)
	m.end()
}

func TestManyPeersThatDoNotReadHoldNoMoreThanThereIsRoomFor(t *testing.T) {
	tests := []struct {
		method string
		most   int64
	}{
		{"3", 16 * mib},               // counted before it is encoded
		{"hidden3", (2*16 + 4) * mib}, // counted when it is there: one more than twice the room
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				m := serveInMemory(t, sized(3), pyro.ServerConfig{
					MaxUnsentSize: 16 * mib, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				most := m.watchUnsent()
				var wires []net.Conn
				for range 50 {
					wires = append(wires, m.ask(tt.method))
				}
				honest := m.dial(nil)
				begin := time.Now()
				_, err := invoke(t.Context(), honest, "small")
				require.NoError(t, err)
				require.Zero(t, time.Since(begin), "a small answer never waits")
				r, err := invoke(t.Context(), honest, "3")
				require.NoError(t, err)
				_, err = r.Value.Any()
				require.NoError(t, err)
				require.Less(t, time.Since(begin), 25*time.Second)
				time.Sleep(25 * time.Second)
				stats := m.Stats()
				require.GreaterOrEqual(t, stats.UnsentTimeouts, uint64(40))
				require.Zero(t, stats.AnswersRefused)
				require.Zero(t, stats.WriteTimeouts)
				require.LessOrEqual(t, most(), tt.most)
				require.Positive(t, stats.Unsent)
				require.NoError(t, honest.Close())
				m.close(wires)
				require.Contains(t, log.String(), "level=WARN msg=\"connection ended, because its peer does not read")
				require.Contains(t, log.String(), "peer=")
			})
		})
	}
}

// A large answer that waits for room keeps neither the other calls of its connection, nor a caller that gives it up.
func TestWhoWaitsForRoomHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(3), pyro.ServerConfig{MaxUnsentSize: 4 * mib})
		wire := m.ask("3")
		synctest.Wait()
		c := m.dial(nil)
		var large sync.WaitGroup
		large.Go(func() {
			_, err := invoke(t.Context(), c, "3")
			require.NoError(t, err)
		})
		synctest.Wait()
		begin := time.Now()
		_, err := invoke(t.Context(), c, "small")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = invoke(ctx, c, "3")
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.Less(t, time.Since(begin), 200*time.Millisecond)
		large.Wait() // until who does not read has lost
		require.Equal(t, uint64(1), m.Stats().UnsentTimeouts)
		require.NoError(t, c.Close())
		m.close([]net.Conn{wire})
	})
}

func TestASlowPeerGetsItsAnswerWhileItIsInNobodysWay(t *testing.T) {
	for _, size := range []int{3, 40} { // with room for it, and longer than that
		synctest.Test(t, func(t *testing.T) {
			m := serveInMemory(t, sized(size), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
			wire := m.ask(strconv.Itoa(size))
			other := m.dial(nil)
			var others sync.WaitGroup
			others.Go(func() {
				for range 100 {
					_, err := invoke(t.Context(), other, "small")
					require.NoError(t, err)
					time.Sleep(time.Second)
				}
			})
			n, err := readAll(wire, 64<<10, time.Second) // 16 seconds a MiB
			require.NoError(t, err)
			require.Greater(t, n, size*mib)
			others.Wait()
			require.Zero(t, m.Stats().UnsentTimeouts)
			require.NoError(t, other.Close())
			m.close([]net.Conn{wire})
		})
	}
}

func TestMemoryOfWhatWasReadIsGivenBackOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(12), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		wire := m.ask("12")
		synctest.Wait()
		require.GreaterOrEqual(t, m.Stats().Unsent, int64(12*mib))
		_, err := io.ReadFull(wire, make([]byte, 9*mib))
		require.NoError(t, err)
		synctest.Wait()
		require.LessOrEqual(t, m.Stats().Unsent, int64(7*mib))
		m.close([]net.Conn{wire})
	})
}

// Of those who do not read, who has taken longest loses first, and no more of them than need be.
func TestTheSlowestLosesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(3, 6), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		first := m.ask("6")
		time.Sleep(10 * time.Second)
		second := m.ask("6")
		time.Sleep(10 * time.Second)
		require.Zero(t, m.Stats().UnsentTimeouts, "there is room")
		c := m.dial(nil)
		begin := time.Now()
		_, err := invoke(t.Context(), c, "6")
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(begin), time.Second)
		require.Equal(t, uint64(1), m.Stats().UnsentTimeouts)
		_, err = readAll(first, mib, 0)
		require.ErrorIs(t, err, io.EOF)
		n, err := readAll(second, mib, 0)
		require.NoError(t, err)
		require.Greater(t, n, 6*mib)
		require.NoError(t, c.Close())
		m.close([]net.Conn{first, second})
	})
}

// kibs answers a call of the method "3" with 3 KiB of text.
func kibs() pyro.Handler {
	return answers(func(_ context.Context, c *transport.Call) (*transport.Reply, error) {
		n, err := strconv.Atoi(c.Method)
		return &transport.Reply{Value: codec.ValueOf(strings.Repeat("x", n<<10))}, err
	})
}

// A slowLog takes an hour for each warning.
type slowLog struct{ warnings *atomic.Int32 }

func (l slowLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (l slowLog) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l slowLog) WithGroup(string) slog.Handler                    { return l }

func (l slowLog) Handle(context.Context, slog.Record) error {
	time.Sleep(time.Hour)
	l.warnings.Add(1)
	return nil
}

// Nobody but who has lost waits for the log.
func TestASlowLogHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var warnings atomic.Int32
		m := serveInMemory(t, sized(6), pyro.ServerConfig{
			MaxUnsentSize: 16 * mib, Logger: slog.New(slowLog{&warnings}),
		})
		begin := time.Now()
		var wires []net.Conn
		for range 8 {
			wires = append(wires, m.ask("6"))
			synctest.Wait()
		}
		c := m.dial(nil)
		for range 3 {
			_, err := invoke(t.Context(), c, "6")
			require.NoError(t, err)
		}
		require.Less(t, time.Since(begin), time.Minute)
		synctest.Wait()
		ended := int(m.Stats().UnsentTimeouts)
		require.GreaterOrEqual(t, ended, 2)
		require.Equal(t, len(wires)+1-ended, m.Connections(), "nor does its place")
		require.Zero(t, warnings.Load())
		require.NoError(t, c.Close())
		m.close(wires)
		require.Equal(t, int(m.Stats().UnsentTimeouts), int(warnings.Load()))
	})
}

// Who holds less than the others on average keeps it, however long it takes, while those make the room that hold more.
func TestWhoHoldsMuchLosesBeforeWhoHoldsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, kibs(), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		little := m.ask("100")
		time.Sleep(10 * time.Second)
		first := m.ask("6000")
		time.Sleep(10 * time.Second)
		second := m.ask("6000")
		synctest.Wait()
		c := m.dial(nil)
		_, err := invoke(t.Context(), c, "6000")
		require.NoError(t, err)
		require.Equal(t, uint64(1), m.Stats().UnsentTimeouts)
		_, err = readAll(first, mib, 0)
		require.ErrorIs(t, err, io.EOF)
		for _, wire := range []net.Conn{little, second} {
			_, err := readAll(wire, mib, 0)
			require.NoError(t, err)
		}
		require.NoError(t, c.Close())
		m.close([]net.Conn{little, first, second})
	})
}

// Where those that hold much are not enough, the slowest of the others lose, and no more of them than need be.
func TestManyThatHoldLittleLoseAfterWhoHoldsMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, kibs(), pyro.ServerConfig{MaxUnsentSize: 4 * mib})
		wires := make([]net.Conn, 0, 61)
		for range 60 {
			wires = append(wires, m.ask("100"))
			time.Sleep(time.Millisecond)
		}
		much := m.ask("1000")
		time.Sleep(10 * time.Second)
		stats := m.Stats()
		require.LessOrEqual(t, stats.Unsent, int64(4*mib))
		require.Greater(t, stats.Unsent, int64(3*mib))
		_, err := readAll(much, mib, 0)
		require.ErrorIs(t, err, io.EOF)
		lost := int(stats.UnsentTimeouts) - 1
		for i, wire := range wires {
			_, err := readAll(wire, mib, 0)
			if i < lost {
				require.ErrorIs(t, err, io.EOF, i)
			} else {
				require.NoError(t, err, i)
			}
		}
		m.close(append(wires, much))
	})
}

// Beyond twice the room nobody has time, whoever holds little included.
func TestManyThatHoldLittleMakeAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, kibs(), pyro.ServerConfig{MaxUnsentSize: mib})
		begin := time.Now()
		var wires []net.Conn
		for range 200 {
			wires = append(wires, m.ask("50"))
			synctest.Wait()
			require.LessOrEqual(t, m.Stats().Unsent, int64(3*mib))
		}
		require.Zero(t, time.Since(begin))
		require.Positive(t, m.Stats().UnsentTimeouts)
		m.close(wires)
	})
}

func TestWhoReadsFastEnoughKeepsItsAnswerAndWhoWaitsTooLongGetsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(3, 100), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		wire := m.ask("100")
		var reading sync.WaitGroup
		reading.Go(func() {
			n, err := readAll(wire, mib/4, 200*time.Millisecond)
			require.NoError(t, err)
			require.Greater(t, n, 100*mib)
		})
		time.Sleep(time.Second)
		c := m.dial(nil)
		begin := time.Now()
		_, err := invoke(t.Context(), c, "3")
		require.ErrorContains(t, err, "RuntimeError: the server has no room for the answer")
		require.ErrorContains(t, err, "option MaxUnsentSize")
		require.Equal(t, 30*time.Second, time.Since(begin))
		require.Equal(t, uint64(1), m.Stats().AnswersRefused)
		_, err = invoke(t.Context(), c, "small")
		require.NoError(t, err)
		reading.Wait()
		_, err = invoke(t.Context(), c, "3")
		require.NoError(t, err)
		require.NoError(t, c.Close())
		m.close([]net.Conn{wire})
	})
}

func TestWhoWaitsForRoomEndsWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(12), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		wires := []net.Conn{m.ask("12"), m.ask("12")}
		synctest.Wait()
		require.NoError(t, m.Close())
		synctest.Wait()
		m.close(wires)
	})
}

func TestRoomForUnsentAnswersFollowsItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(12), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		wires := []net.Conn{m.ask("12"), m.ask("12")}
		synctest.Wait()
		require.Less(t, m.Stats().Unsent, int64(16*mib))
		m.SetLimits(pyro.ServerConfig{MaxUnsentSize: 64 * mib})
		synctest.Wait()
		require.Greater(t, m.Stats().Unsent, int64(24*mib))
		time.Sleep(5 * time.Second)
		require.Zero(t, m.Stats().UnsentTimeouts)
		m.SetLimits(pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		time.Sleep(5 * time.Second)
		require.Equal(t, uint64(1), m.Stats().UnsentTimeouts)
		m.close(wires)
	})
}

// A limit far below what is held counts at once, too.
func TestRoomForUnsentAnswersCanBecomeVeryLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, sized(12), pyro.ServerConfig{MaxUnsentSize: 64 * mib})
		wires := []net.Conn{m.ask("12"), m.ask("12"), m.ask("12")}
		synctest.Wait()
		m.SetLimits(pyro.ServerConfig{MaxUnsentSize: mib})
		time.Sleep(time.Second)
		require.Equal(t, uint64(2), m.Stats().UnsentTimeouts, "one alone is in nobody's way")
		m.close(wires)
	})
}

// Items that are sent ahead count, too: those that are being written, and those that wait for them.
func TestItemsSentAheadCountAsUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, (&spring{size: 50 << 10}).handler(), pyro.ServerConfig{})
		wire := gated{gate: make(chan struct{}, 1)}
		wire.gate <- struct{}{}
		u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		c, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			wire.Conn, err = m.l.DialContext(ctx, network, address)
			return &wire, err
		}})
		require.NoError(t, err)
		id := m.open(c)
		<-wire.gate
		fetched := make(chan error)
		go func() {
			_, _, err := fetchAhead(t.Context(), c, id)
			fetched <- err
		}()
		synctest.Wait()
		unsent := m.Stats().Unsent
		require.Greater(t, unsent, int64(100<<10), "one is being written, and what it leaves of 128 KiB waits")
		require.Less(t, unsent, int64(300<<10))
		wire.gate <- struct{}{}
		require.NoError(t, <-fetched)
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Zero(t, m.Stats().Unsent)
		m.end()
	})
}

// A gated connection reads nothing while somebody has taken what is in its gate.
type gated struct {
	net.Conn

	gate chan struct{}
}

func (g *gated) Read(b []byte) (int, error) {
	g.gate <- <-g.gate
	return g.Conn.Read(b)
}

// What is ended is ended at once, whatever the system still holds, and over TLS as well.
func TestConnectionsOfRealSocketsAreEnded(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls ", secure), func(t *testing.T) {
			t.Parallel()
			address, srv, dial := serveSockets(t, sized(30), pyro.ServerConfig{MaxUnsentSize: 64 * mib}, secure)
			for range 4 {
				wire := dial(address)
				defer wire.Close()
				askOver(t, wire, "30")
			}
			require.Eventually(t, func() bool { // until nobody waits: a busy machine may keep who reads from being in time for others
				stats := srv.Stats()
				return stats.UnsentTimeouts+stats.AnswersRefused >= 2 // there is room for two
			}, time.Minute, time.Millisecond)
			before := srv.Stats().UnsentTimeouts
			require.Positive(t, before)
			u, err := pyro.ParseURI("PYRO:o@" + address)
			require.NoError(t, err)
			c, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dial: func(context.Context, string, string) (net.Conn, error) {
				return dial(address), nil
			}})
			require.NoError(t, err)
			defer c.Close()
			_, err = invoke(t.Context(), c, "30")
			require.NoError(t, err)
			require.Greater(t, srv.Stats().UnsentTimeouts, before)
		})
	}
}

// The connection that has not been read for longest, but holds little, outlasts one that holds much.
func TestWhoHoldsLittleOfRealSocketsIsSpared(t *testing.T) {
	t.Parallel()
	const answers = 300 // more than the system has room for
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls ", secure), func(t *testing.T) {
			t.Parallel()
			address, srv, dial := serveSockets(t, kibs(), pyro.ServerConfig{MaxUnsentSize: 64 * mib}, secure)
			little := dial(address)
			defer little.Close()
			askOver(t, little, "50")
			request := vectortest.Build("pyro5", 4, 0, 1, 1, "# serpent utf-8 python3.2\n('o','50',(),{})")
			_, err := little.Write(bytes.Repeat(request, answers-1))
			require.NoError(t, err)
			sent := uint64(0)
			require.Eventually(t, func() bool { // until it is full
				stats, before := srv.Stats(), sent
				sent = stats.Sent
				return stats.Unsent > 0 && sent == before
			}, 20*time.Second, 50*time.Millisecond)

			for range 2 {
				much := dial(address)
				defer much.Close()
				askOver(t, much, "30000")
			}
			require.Eventually(t, func() bool { return srv.Stats().Unsent > 40*mib }, 20*time.Second, time.Millisecond)
			honest := dial(address)
			defer honest.Close()
			askOver(t, honest, "30000")
			_, err = readAll(honest, mib, 0)
			require.NoError(t, err)
			require.Positive(t, srv.Stats().UnsentTimeouts)
			for range answers {
				f, err := vectortest.ReadFrame(little)
				require.NoError(t, err)
				require.Greater(t, len(f.Payload), 50<<10)
			}
		})
	}
}

// serveSockets serves h on a port, with TLS or without.
func serveSockets(t *testing.T, h pyro.Handler, cfg pyro.ServerConfig, secure bool) (address string, srv *pyro.Server, dial func(string) net.Conn) {
	t.Helper()
	srv, err := pyro.NewServer(h, cfg)
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	dial = func(address string) net.Conn {
		wire, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		return wire
	}
	if secure {
		ca := certtest.NewCA(t, "ca")
		own := ca.Issue(t)
		cert, err := tls.X509KeyPair(own.CertPEM, own.KeyPEM)
		require.NoError(t, err)
		roots := x509.NewCertPool()
		roots.AddCert(ca.Leaf)
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13})
		plain := dial
		dial = func(address string) net.Conn {
			return tls.Client(plain(address), &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13})
		}
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l, pyro.ListenConfig{}) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, pyro.ErrServerClosed)
	})
	return address, srv, dial
}

// A method that takes room before it makes its answer waits without it.
func TestReserveAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("x", 12*mib)
		var made atomic.Int32
		m := serveInMemory(t, answers(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			if err := transport.ReserveAnswer(ctx, 12*mib); err != nil {
				return nil, err
			}
			made.Add(1)
			return &transport.Reply{Value: codec.ValueOf(large)}, transport.ReserveAnswer(ctx, 12*mib)
		}), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		wires := []net.Conn{m.ask("a"), m.ask("b"), m.ask("c")}
		synctest.Wait()
		require.Equal(t, int32(1), made.Load())
		time.Sleep(10 * time.Second)
		require.Equal(t, int32(3), made.Load())
		require.Equal(t, uint64(2), m.Stats().UnsentTimeouts)
		m.close(wires)
	})
	require.NoError(t, transport.ReserveAnswer(t.Context(), 1<<40), "where no server is")
}

func TestRoomOfAnAnswerThatDidNotComeIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			require.NoError(t, transport.ReserveAnswer(ctx, 12*mib))
			return nil, transport.NewError("ValueError", "no")
		}), pyro.ServerConfig{MaxUnsentSize: 16 * mib})
		c := m.dial(nil)
		for range 3 {
			_, err := invoke(t.Context(), c, "m")
			require.ErrorContains(t, err, "ValueError")
		}
		require.NoError(t, c.Close())
		m.close(nil)
	})
}
