package pyro

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/transport"
)

// An end is one end of a connection, whose messages a test writes and reads itself.
type end struct {
	t  *testing.T
	nc net.Conn
	o  wireOptions
	r  *frameReader
}

func newEnd(t *testing.T, nc net.Conn, d codec.Dialect) *end {
	t.Helper()
	e := &end{t: t, nc: nc, o: wireOptions{dialect: d}}
	e.r = newFrameReader(nc, &e.o)
	return e
}

// message is a message with a payload in serpent, and the annotation of a recognised connection unless that is nil.
func (e *end) message(f frameFields, kit, payload []byte) []byte {
	e.t.Helper()
	f.serializer = codec.ID(Serpent, e.o.dialect)
	w := beginFrame(nil, &e.o)
	if kit != nil {
		w.annotate(keyKit, kit)
	}
	w.endAnnotations()
	w.buf = append(w.buf, payload...)
	b, err := w.finish(f)
	require.NoError(e.t, err)
	return b
}

func (e *end) call(seq uint16, method string, more flags) []byte {
	e.t.Helper()
	return e.message(frameFields{typ: msgInvoke, flags: more, seq: seq}, nil, []byte("('o','"+method+"',(),{})"))
}

func (e *end) write(messages ...[]byte) {
	e.t.Helper()
	var all []byte
	for _, b := range messages {
		all = append(all, b...)
	}
	_, err := e.nc.Write(all)
	require.NoError(e.t, err)
}

func (e *end) read() frame {
	e.t.Helper()
	f, err := e.r.next()
	require.NoError(e.t, err)
	return f
}

// requireReply reads a reply.
func (e *end) requireReply(typ msgType, seq uint16) {
	e.t.Helper()
	f := e.read()
	require.Equal(e.t, typ, f.typ)
	require.Equal(e.t, seq, f.seq)
}

// requireGoodbye reads a goodbye.
func (e *end) requireGoodbye(taken uint64) {
	e.t.Helper()
	f := e.read()
	require.Equal(e.t, msgPing, f.typ)
	require.Zero(e.t, f.seq)
	_, reserved, err := f.parseAnnotations()
	require.NoError(e.t, err)
	k, err := parseKit(reserved.kit)
	require.NoError(e.t, err)
	require.Equal(e.t, kitFields{leaves: true, taken: taken}, k)
}

func (e *end) requireClosed() {
	e.t.Helper()
	_, err := e.r.next()
	require.True(e.t, hungUp(err), err)
}

func (e *end) leave() {
	e.t.Helper()
	require.NoError(e.t, e.nc.Close())
}

// A workplace is a server whose method "slow" waits until it is released, and which knows what it has carried out.
type workplace struct {
	*Server

	t       *testing.T
	release chan struct{}
	ended   chan error // by Shutdown

	mu   sync.Mutex
	done []string
}

func newWorkplace(t *testing.T, ordered bool) *workplace {
	t.Helper()
	p := &workplace{t: t, release: make(chan struct{}), ended: make(chan error, 1)}
	srv, err := NewServer(Handler{
		Handshake: func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
			return &transport.Welcome{}, nil
		},
		Call: func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Method == "slow" {
				select {
				case <-p.release:
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.done = append(p.done, call.Method)
			return &transport.Reply{}, nil
		},
		Ordered: func(string) bool { return ordered },
	}, ServerConfig{})
	require.NoError(t, err)
	p.Server = srv
	return p
}

// connect connects a client that says what it can do, unless that is nothing.
func (p *workplace) connect(d codec.Dialect, f features) *end {
	p.t.Helper()
	nc, served := net.Pipe()
	p.start(served, ListenConfig{})
	e := newEnd(p.t, nc, d)
	var kit []byte
	if f != 0 {
		kit = kitHello(f)
	}
	e.write(e.message(frameFields{typ: msgConnect}, kit, []byte("{'handshake':'hello','object':'o'}")))
	e.requireReply(msgConnectOK, 0)
	return e
}

// shutdown begins a Shutdown, and waits until all that it begins with has happened.
func (p *workplace) shutdown() {
	go func() { p.ended <- p.Shutdown(context.Background()) }()
	synctest.Wait()
}

func (p *workplace) carriedOut() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.done...)
}

func TestAServerThatShutsDownSaysGoodbye(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newWorkplace(t, false)
				c := p.connect(d, ownFeatures)
				c.write(c.call(1, "first", 0), c.call(2, "note", flagOneway), c.call(3, "slow", 0))
				c.requireReply(msgResult, 1)
				synctest.Wait()
				begun := time.Now()
				p.shutdown()
				c.requireGoodbye(2)

				c.write(c.call(4, "late", 0), c.call(5, "lateNote", flagOneway))
				c.write(c.message(frameFields{typ: msgPing, seq: 6}, nil, []byte("ping")))
				c.requireReply(msgPing, 6) // nothing is said of 4
				synctest.Wait()
				time.Sleep(time.Hour)
				require.Empty(t, p.ended, "a call runs")
				close(p.release)
				c.requireReply(msgResult, 3)
				c.requireClosed()
				require.NoError(t, <-p.ended)
				require.Equal(t, time.Hour, time.Since(begun), "it waits no longer than for the answer")
				require.ElementsMatch(t, []string{"first", "note", "slow", "lateNote"}, p.carriedOut())
				require.NoError(t, c.nc.Close())
			})
		})
	}
}

func TestHowLongAGoodbyeTakes(t *testing.T) {
	tests := map[string]struct {
		does func(c *end, wg *sync.WaitGroup)
		want time.Duration
	}{
		"the client goes":          {does: func(c *end, _ *sync.WaitGroup) { c.requireGoodbye(0); c.leave() }},
		"the client stays":         {does: func(c *end, _ *sync.WaitGroup) { c.requireGoodbye(0) }, want: partTime},
		"the client does not read": {want: partTime},
		"the client goes on": {want: partTime, does: func(c *end, wg *sync.WaitGroup) {
			c.requireGoodbye(0)
			wg.Go(func() {
				for seq := uint16(1); ; seq++ {
					if _, err := c.nc.Write(c.call(seq, "m", 0)); err != nil {
						return
					}
					time.Sleep(partTime / 8)
				}
			})
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newWorkplace(t, false)
				c := p.connect(codec.Pyro5, ownFeatures)
				synctest.Wait()
				begun := time.Now()
				p.shutdown()
				var wg sync.WaitGroup
				if tt.does != nil {
					tt.does(c, &wg)
				}
				require.NoError(t, <-p.ended)
				require.Equal(t, tt.want, time.Since(begun))
				require.Empty(t, p.carriedOut())
				require.Zero(t, p.Stats().IdleTimeouts)
				require.NoError(t, c.nc.Close())
				wg.Wait()
			})
		})
	}
}

// Who cannot say what it means hears nothing that it does not know, and gets answers to all that had come.
func TestOthersHearNoGoodbye(t *testing.T) {
	tests := map[string]features{"Python": 0, "an older end": ownFeatures &^ featureGoodbye}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newWorkplace(t, true)
				idle, c := p.connect(codec.Pyro5, f), p.connect(codec.Pyro5, f)
				c.write(c.call(1, "slow", 0), c.call(2, "second", 0), c.call(3, "note", flagOneway), c.call(4, "fourth", 0))
				time.Sleep(time.Second)
				begun := time.Now()
				p.shutdown()
				idle.requireClosed()
				require.Empty(t, p.ended)
				close(p.release)
				for _, seq := range []uint16{1, 2, 4} {
					c.requireReply(msgResult, seq)
				}
				c.requireClosed()
				require.NoError(t, <-p.ended)
				require.LessOrEqual(t, time.Since(begun), 2*lookTime)
				require.ElementsMatch(t, []string{"slow", "second", "note", "fourth"}, p.carriedOut())
				require.NoError(t, errors.Join(c.nc.Close(), idle.nc.Close()))
			})
		})
	}
}

func TestCallsThatWaitTheirTurnAreCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newWorkplace(t, true)
		c := p.connect(codec.Pyro5, ownFeatures)
		c.write(c.call(1, "slow", 0))
		time.Sleep(time.Second)
		c.write(c.call(2, "second", 0), c.call(3, "third", 0))
		synctest.Wait()
		p.shutdown()
		c.requireGoodbye(3)
		close(p.release)
		for seq := range uint16(3) {
			c.requireReply(msgResult, seq+1)
		}
		c.leave()
		require.NoError(t, <-p.ended)
		require.Equal(t, []string{"slow", "second", "third"}, p.carriedOut())
	})
}

// After the goodbye a call can be cancelled as before, and ends with its caller.
func TestACallThatIsWantedNoMoreDoesNotHoldShutdown(t *testing.T) {
	for name, end := range map[string]func(c *end){
		"cancelled": func(c *end) {
			out, err := appendCancel(nil, &c.o, 1)
			require.NoError(c.t, err)
			c.write(out)
			c.requireReply(msgResult, 1)
			c.leave()
		},
		"the caller is gone": func(c *end) { c.leave() },
		"the caller is gone amid a message": func(c *end) {
			c.write(c.call(2, "m", flagOneway)[:20])
			c.leave()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newWorkplace(t, false)
				c := p.connect(codec.Pyro5, ownFeatures)
				c.write(c.call(1, "slow", 0))
				time.Sleep(time.Second)
				p.shutdown()
				c.requireGoodbye(1)
				end(c)
				require.NoError(t, <-p.ended)
				require.Empty(t, p.carriedOut())
			})
		})
	}
}

// openDesk returns a client's connection, and the server's end of it.
func openDesk(t *testing.T, f features, cfg DialConfig) (c *Conn, desk *end) {
	t.Helper()
	client, server := net.Pipe()
	desk = newEnd(t, server, codec.Pyro5)
	desk.o.hmacKey = cfg.HMACKey
	if len(cfg.HMACKey) > 0 {
		desk.o.dialect = codec.Pyro4
	}
	cfg.Dialect = desk.o.dialect
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return client, nil }
	go desk.welcome(f)
	c, err := Dial(t.Context(), URI{Protocol: ProtocolPyro, Object: "o", Host: "memory", Port: 1}, cfg)
	require.NoError(t, err)
	return c, desk
}

// welcome answers the handshake. The object has the method m, and more.
func (e *end) welcome(f features, more ...string) {
	if _, err := e.r.next(); err != nil {
		return
	}
	methods := strings.Join(append([]string{"m"}, more...), "','")
	answer := "{'handshake':'hello','meta':{'methods':('" + methods + "',),'oneway':(),'attrs':()}}"
	_, _ = e.nc.Write(e.message(frameFields{typ: msgConnectOK, flags: flagMeta}, kitHello(f), []byte(answer)))
}

func (e *end) goodbye(taken uint64) []byte {
	e.t.Helper()
	b, err := newGoodbye(&e.o, taken)
	require.NoError(e.t, err)
	return b
}

// What a server has not taken fails at once, and as what may be sent again; the rest is answered.
func TestAGoodbyeEndsWhatWasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, desk := openDesk(t, ownFeatures, DialConfig{})
		results := make([]chan error, 4)
		for i := range results {
			results[i] = make(chan error, 1)
			go func() {
				call := &transport.Call{Object: "o", Method: "m"}
				if i == 1 {
					call.Kind = transport.Ping
				}
				_, err := c.Call(context.Background(), call)
				results[i] <- err
			}()
			f := desk.read()
			require.Equal(t, uint16(i+1), f.seq)
		}
		desk.write(desk.goodbye(2)) // 1 and 3
		synctest.Wait()
		require.Empty(t, results[0])
		require.Empty(t, results[1], "a ping is none of them")
		require.Empty(t, results[2])
		err := <-results[3]
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorIs(t, err, errGoodbye)
		require.True(t, transport.AsError(err).NotSent)
		_, err = c.Call(t.Context(), &transport.Call{Object: "o", Method: "m"})
		require.ErrorIs(t, err, errGoodbye, "it takes no more")

		desk.write(desk.message(frameFields{typ: msgResult, seq: 3}, nil, []byte("None")))
		desk.write(desk.message(frameFields{typ: msgPing, seq: 2}, nil, []byte("pong")))
		require.NoError(t, <-results[2])
		require.NoError(t, <-results[1])
		require.NoError(t, c.Err())
		desk.write(desk.message(frameFields{typ: msgResult, seq: 1}, nil, []byte("None")))
		require.NoError(t, <-results[0])
		desk.requireClosed()
		require.ErrorIs(t, c.Err(), errGoodbye)
		require.NoError(t, c.Close())
	})
}

// A call whose connection is lost after the goodbye may have been carried out if the server had taken it.
func TestACallThatWasTakenIsLostWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, desk := openDesk(t, ownFeatures, DialConfig{})
		result := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), &transport.Call{Object: "o", Method: "m"})
			result <- err
		}()
		desk.read()
		desk.write(desk.goodbye(1))
		synctest.Wait()
		desk.leave()
		err := <-result
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.NotErrorIs(t, err, errGoodbye)
		require.False(t, transport.AsError(err).NotSent)
		require.NoError(t, c.Close())
	})
}

func TestWhatIsNoGoodbye(t *testing.T) {
	tests := map[string]struct {
		server features
		cfg    DialConfig
		kit    string
		code   transport.Code
	}{
		"not agreed on": {server: featureOrder, kit: "\x06\x08\x00\x00\x00\x00\x00\x00\x00\x00", code: transport.CodeInternal},
		"cut short":     {server: ownFeatures, kit: "\x06\x08\x00", code: transport.CodeInternal},
		"not signed": {
			server: ownFeatures, cfg: DialConfig{HMACKey: []byte("key")}, kit: "\x06\x08\x00\x00\x00\x00\x00\x00\x00\x00",
			code: transport.CodeUnauthenticated,
		},
		"unknown fields": {server: ownFeatures, kit: "\x7f\x01\x00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, desk := openDesk(t, tt.server, tt.cfg)
				result := make(chan error, 1)
				go func() {
					_, err := c.Call(context.Background(), &transport.Call{Object: "o", Method: "m"})
					result <- err
				}()
				desk.read()
				desk.o.hmacKey = nil
				desk.write(desk.message(frameFields{typ: msgPing}, []byte(tt.kit), nil))
				if tt.code == 0 {
					desk.write(desk.message(frameFields{typ: msgResult, seq: 1}, nil, []byte("None")))
					require.NoError(t, <-result)
				} else {
					require.Equal(t, tt.code, transport.AsError(<-result).Code)
				}
				require.NoError(t, errors.Join(c.Close(), desk.nc.Close()))
			})
		})
	}
}

// One-way calls that are being written go before the connection ends.
func TestAPartedConnectionEndsWhenAllIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, desk := openDesk(t, ownFeatures, DialConfig{})
		c.mu.Lock()
		c.writing = true
		c.part(0)
		require.NoError(t, c.err)
		c.stopWriting()
		require.ErrorIs(t, c.err, errGoodbye)
		c.mu.Unlock()
		require.NoError(t, errors.Join(c.Close(), desk.nc.Close()))
	})
}

// A stream of which no items have come can be asked for elsewhere.
func TestARequestForItemsThatWasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for taken, failed := range []error{errGoodbye, nil} {
			c, desk := openDesk(t, ownFeatures, DialConfig{})
			result := make(chan error, 1)
			go func() {
				_, err := c.Call(context.Background(), &transport.Call{Kind: transport.StreamItem, Ahead: true, StreamID: "id"})
				result <- err
			}()
			desk.read()
			desk.write(desk.goodbye(uint64(taken)))
			if failed == nil {
				desk.write(desk.message(frameFields{typ: msgResult, seq: 1}, nil, []byte("None")))
			}
			require.ErrorIs(t, <-result, failed)
			require.False(t, c.holdsItems())
			desk.requireClosed()
			require.NoError(t, c.Close())
		}
	})
}

// A cork keeps what is written until it is let go: it arrives together.
type cork struct {
	net.Conn

	keeps bool
	kept  []byte
}

func (c *cork) Write(b []byte) (int, error) {
	if c.keeps {
		c.kept = append(c.kept, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *cork) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

func (c *cork) letGo() error {
	c.keeps = false
	_, err := c.Conn.Write(c.kept)
	return err
}

// A distantDesk is a server's end over a network.
type distantDesk struct {
	*end

	wire *cork // beneath TLS
}

// openDistantDesk is openDesk over TCP, or TLS.
func openDistantDesk(t *testing.T, secure bool, more ...string) (*Conn, *distantDesk) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg, desk := DialConfig{Dialect: codec.Pyro5}, &distantDesk{}
	cert := certtest.SelfSigned(t)
	secret, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
	require.NoError(t, err)
	if secure {
		roots := x509.NewCertPool()
		roots.AddCert(cert.Leaf)
		d := Dialer{TLS: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13}}
		cfg.Dial = d.DialContext
	}
	welcomed := make(chan struct{})
	go func() {
		defer close(welcomed)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		desk.wire = &cork{Conn: nc}
		if nc = desk.wire; secure {
			nc = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{secret}, MinVersion: tls.VersionTLS13})
		}
		desk.end = newEnd(t, nc, codec.Pyro5)
		desk.welcome(ownFeatures, more...)
	}()
	u, err := Located("o", l.Addr())
	require.NoError(t, err)
	u.Protocol = ProtocolPyro
	c, err := Dial(t.Context(), u, cfg)
	require.NoError(t, err)
	<-welcomed
	return c, desk
}

// Before a call the client looks whether a goodbye has come while nobody read: of a one-way call it would not hear.
func TestAGoodbyeIsSeenBeforeAOnewayCall(t *testing.T) {
	if !rawIO {
		return // a read that does not wait is a system call of our own
	}
	says := map[string]func(c *Conn, desk *distantDesk){
		"a goodbye": func(_ *Conn, desk *distantDesk) { desk.write(desk.goodbye(0)) },
		"the end": func(_ *Conn, desk *distantDesk) {
			require.NoError(t, desk.nc.(interface{ CloseWrite() error }).CloseWrite())
		},
		"a goodbye that arrives with an answer": func(c *Conn, desk *distantDesk) {
			answered := make(chan error)
			go func() { answered <- c.Ping(t.Context()) }()
			f := desk.read()
			desk.wire.keeps = true
			desk.write(desk.message(frameFields{typ: msgPing, seq: f.seq}, nil, []byte("pong")))
			desk.write(desk.goodbye(0))
			require.NoError(t, desk.wire.letGo())
			require.NoError(t, <-answered)
		},
	}
	for name, say := range says {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tls %t", name, secure), func(t *testing.T) {
				c, desk := openDistantDesk(t, secure)
				say(c, desk)
				require.Eventually(t, func() bool { // until the system has it here
					c.mu.Lock()
					c.looked = time.Time{} // long ago
					c.mu.Unlock()
					_, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: "m", Oneway: true})
					return err != nil && transport.AsError(err).NotSent
				}, 20*time.Second, time.Millisecond)
				require.NoError(t, errors.Join(c.Close(), desk.wire.Close()))
			})
		}
	}
}

// A look takes neither a message that is not whole yet, nor the time of who calls meanwhile.
func TestALookOverTLSWaitsForNothing(t *testing.T) {
	c, desk := openDistantDesk(t, true)
	out := desk.message(frameFields{typ: msgPing, seq: 1}, nil, []byte("pong"))
	half := len(out) / 2
	desk.write(out[:half])
	for range 3 {
		c.mu.Lock()
		c.looked = time.Time{}
		c.look()
		require.NoError(t, c.err)
		require.Nil(t, c.leader)
		c.mu.Unlock()
	}
	answered := make(chan error)
	go func() { answered <- c.Ping(t.Context()) }()
	desk.read()
	desk.write(out[half:])
	require.NoError(t, <-answered)
	require.NoError(t, errors.Join(c.Close(), desk.wire.Close()))
}

// What a look finds is read into a buffer of its own, however long the answer to the handshake was.
func TestALookAfterALongWelcome(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", secure), func(t *testing.T) {
			c, desk := openDistantDesk(t, secure, strings.Repeat("x", 2*streamBuffer))
			c.mu.Lock()
			c.looked = time.Time{}
			c.look()
			require.NoError(t, c.err)
			c.mu.Unlock()
			require.NoError(t, errors.Join(c.Close(), desk.wire.Close()))
		})
	}
}

// A server that does nothing but to say goodbye does not keep a caller busy for ever.
func TestGoodbyesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int32
		var wg sync.WaitGroup
		cfg := DialConfig{Dialect: codec.Pyro5, Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			connections.Add(1)
			wg.Go(func() {
				desk := newEnd(t, server, codec.Pyro5)
				desk.welcome(ownFeatures)
				if _, err := desk.r.next(); err == nil {
					_, _ = desk.nc.Write(desk.goodbye(0))
				}
				_ = server.Close()
			})
			return client, nil
		}}
		u := URI{Protocol: ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		c := NewClient(func(context.Context) (URI, error) { return u, nil }, cfg, false)
		_, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: "m"})
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.True(t, transport.AsError(err).NotSent)
		require.Equal(t, int32(maxGoodbyes), connections.Load())
		require.NoError(t, c.Close())
		wg.Wait()
	})
}

// Whatever servers say goodbye to, and whenever: nothing breaks, and no call that was not taken waits on.
func FuzzGoodbyes(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 1, 3, 0})
	f.Add([]byte{0, 4, 1, 0, 2, 0, 3, 0, 2, 9})
	f.Add([]byte{4, 5, 0, 2, 255, 2, 1, 3, 1})
	f.Fuzz(goodbyeSteps)
}

func goodbyeSteps(t *testing.T, steps []byte) {
	t.Helper()
	if len(steps) > 1000 { // calls in flight are bounded elsewhere
		return
	}
	nc, other := net.Pipe()
	defer other.Close()
	c := newConn(nc, URI{}, &DialConfig{}, &serializer{}, codec.Pyro5)
	c.kit = ownFeatures
	c.leader = &c.drainer // nobody has to be found to read
	var sent []*pending
	for i := 0; i+1 < len(steps) && c.err == nil; i += 2 {
		at := int(steps[i+1])
		switch steps[i] % 6 {
		case 0, 4:
			if c.parted {
				continue
			}
			c.asked++
			c.sent++
			p := &pending{seq: c.number(), number: c.asked, wake: make(chan struct{}, 1)}
			if steps[i]%6 == 4 {
				p.ahead = &ahead{id: string(rune(p.seq)), window: firstWindow}
				c.fileAhead(p)
			} else {
				c.calls.put(p)
			}
			c.enqueue(p)
			sent = append(sent, p)
		case 1:
			if at < len(sent) && waits(c, sent[at]) { // who gives up does so once
				c.abandonLocked(sent[at])
			}
		case 2:
			goodbye, err := newGoodbye(&c.o, uint64(at))
			require.NoError(t, err)
			g, err := readerOf(&c.o, goodbye).next()
			require.NoError(t, err)
			require.NoError(t, c.deliver(g))
			for _, p := range sent {
				require.True(t, p.number <= uint64(at) || !waits(c, p))
			}
		case 3:
			_ = c.deliver(frame{dialect: codec.Pyro5, typ: msgResult, seq: uint16(at)})
		case 5:
			c.dropAhead(string(rune(at)))
		}
		c.writing, c.out = false, c.out[:0]
		require.GreaterOrEqual(t, c.abandoned, 0)
		require.GreaterOrEqual(t, c.pouring, 0)
		require.GreaterOrEqual(t, c.calls.count, c.abandoned)
	}
	c.fail(ErrClosed)
	for _, p := range sent {
		require.False(t, waits(c, p))
	}
}

// waits tells whether somebody waits for a call's answer.
func waits(c *Conn, p *pending) bool {
	return !p.done && (c.first == p || p.prev != nil)
}

// What waits in the system's buffer when the last call of a plain client is answered has arrived, too.
func TestWhatHasArrivedIsAnswered(t *testing.T) {
	cert := certtest.SelfSigned(t)
	secret, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
	require.NoError(t, err)
	for name, listen := range map[string]func(net.Listener) net.Listener{
		"over TCP": func(l net.Listener) net.Listener { return l },
		"over TLS": func(l net.Listener) net.Listener {
			return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{secret}, MinVersion: tls.VersionTLS12})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorkplace(t, true)
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- p.Serve(listen(l), ListenConfig{}) }()
			nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			if name == "over TLS" {
				roots := x509.NewCertPool()
				roots.AddCert(cert.Leaf)
				nc = tls.Client(nc, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12})
			}
			c := newEnd(t, nc, codec.Pyro5)
			c.write(c.message(frameFields{typ: msgConnect}, nil, []byte("{'handshake':'hello','object':'o'}")))
			c.requireReply(msgConnectOK, 0)
			c.write(c.call(1, "slow", 0))
			require.Eventually(t, func() bool { return p.aside() == 1 }, 20*time.Second, time.Millisecond)
			c.write(c.call(2, "second", 0))
			require.Eventually(t, func() bool { return p.aside() == 2 }, 20*time.Second, time.Millisecond, "it waits, and nothing more is read")
			c.write(c.call(3, "third", 0))
			go func() { p.ended <- p.Shutdown(context.Background()) }()
			<-p.closing
			close(p.release)
			for seq := range uint16(3) {
				c.requireReply(msgResult, seq+1)
			}
			c.requireClosed()
			require.NoError(t, <-p.ended)
			require.ErrorIs(t, <-served, ErrServerClosed)
			require.Equal(t, []string{"slow", "second", "third"}, p.carriedOut())
			require.NoError(t, nc.Close())
		})
	}
}

// aside is how many calls run or wait beside the readers.
func (p *workplace) aside() int {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	n := 0
	for c := range p.conns {
		c.mu.Lock()
		n += c.aside
		c.mu.Unlock()
	}
	return n
}

// While the last calls of a connection are answered, Connect already makes another one.
func TestConnectAfterAGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desks := make(chan *end, 2)
		cfg := DialConfig{Dialect: codec.Pyro5, Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			desk := newEnd(t, server, codec.Pyro5)
			go func() {
				desk.welcome(ownFeatures)
				desks <- desk
			}()
			return client, nil
		}}
		u := URI{Protocol: ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		c := NewClient(func(context.Context) (URI, error) { return u, nil }, cfg, false)
		result := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), &transport.Call{Object: "o", Method: "m"})
			result <- err
		}()
		old := <-desks
		old.read()
		old.write(old.goodbye(1))
		synctest.Wait()
		_, _, _, err := c.Connect(t.Context())
		require.NoError(t, err)
		require.NoError(t, (<-desks).nc.Close(), "another one")
		old.write(old.message(frameFields{typ: msgResult, seq: 1}, nil, []byte("None")))
		require.NoError(t, <-result)
		old.requireClosed()
		require.NoError(t, c.Close())
	})
}
