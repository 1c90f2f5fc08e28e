package servicetest_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

// counting serves a method that counts its calls.
func counting() (*service.Service, *atomic.Int32) {
	var calls atomic.Int32
	return service.New("counter").Method("count", func() int32 { return calls.Add(1) }), &calls
}

func count(t *testing.T, p *service.Proxy) (int, error) {
	t.Helper()
	return service.Call[int](t.Context(), p, "count")
}

func TestARefusedConnection(t *testing.T) {
	svc, _ := counting()
	srv := servicetest.NewServer(t, svc)
	open, late := srv.Connect(t, "counter"), srv.Connect(t, "counter")
	_, err := count(t, open)
	require.NoError(t, err)

	srv.Network.Refuse()
	_, err = count(t, late)
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.True(t, transport.AsError(err).NotSent)
	_, err = count(t, open)
	require.NoError(t, err, "connections stay")

	srv.Network.Accept()
	n, err := count(t, late)
	require.NoError(t, err)
	require.Equal(t, 3, n)

	srv.Network.Refuse()
	srv.Network.Heal()
	_, err = count(t, srv.Connect(t, "counter"))
	require.NoError(t, err)
}

func TestNobodyListens(t *testing.T) {
	n := servicetest.NewNetwork(t)
	_, err := n.DialContext(t.Context(), "tcp", "nobody:1")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.EqualError(t, err, "dial memory nobody:1: connection refused")

	l, err := n.Listen("here:1")
	require.NoError(t, err)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = n.DialContext(ended, "tcp", "here:1")
	require.ErrorIs(t, err, context.Canceled, "nobody accepts")

	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := n.DialContext(t.Context(), "tcp", "here:1")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
	require.Eventually(t, func() bool { return len(n.Links()) > 0 }, soon, tick)
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	wg.Wait()
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.Empty(t, n.Links())
}

func TestACutConnectionIsMadeAgain(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	srv := servicetest.NewServer(t, service.New("o").
		Method("hold", func() { entered <- struct{}{}; <-release }).
		Method("m", func() int { return 7 }))
	p := srv.Connect(t, "o")
	var wg sync.WaitGroup
	wg.Go(func() {
		err := service.Do(t.Context(), p, "hold")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.False(t, transport.AsError(err).NotSent)
	})
	<-entered
	srv.Network.Cut()
	wg.Wait()
	close(release)
	n, err := service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 7, n)
	require.Equal(t, 2, srv.Network.Links()[len(srv.Network.Links())-1].Number())
}

func TestAReplyIsLost(t *testing.T) {
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(dialect.String(), func(t *testing.T) {
			svc, calls := counting()
			srv := servicetest.NewServer(t, svc)
			srv.Network.Each(func(l *servicetest.Link) {
				if l.Number() == 1 {
					l.CutAfterMessages(servicetest.ToServer, 3) // the handshake and two calls
				}
			})
			p := srv.Connect(t, "counter", service.Dialect(dialect))
			_, err := count(t, p)
			require.NoError(t, err)
			_, err = count(t, p)
			require.ErrorIs(t, err, transport.ErrUnavailable)
			require.False(t, transport.AsError(err).NotSent, "it was carried out")
			require.Eventually(t, func() bool { return calls.Load() == 2 }, soon, tick)
			n, err := count(t, p)
			require.NoError(t, err)
			require.Equal(t, 3, n)
		})
	}
}

// Wherever the network breaks, a call either is answered rightly or fails, and says whether it may have
// been carried out.
func TestCutAnywhere(t *testing.T) {
	svc, calls := counting()
	srv := servicetest.NewServer(t, svc)
	whole := 0
	for _, dir := range []servicetest.Direction{servicetest.ToServer, servicetest.ToClient} {
		for n := 0; ; n++ {
			srv.Network.Heal()
			p := srv.Connect(t, "counter", service.Dialect(codec.Pyro5))
			var links []*servicetest.Link
			srv.Network.Each(func(l *servicetest.Link) {
				links = append(links, l)
				l.CutAfterBytes(dir, n)
			})
			before := calls.Load()
			got, err := count(t, p)
			require.NoError(t, p.Close())
			require.Len(t, links, 1)
			require.Eventually(t, func() bool { return len(srv.Network.Links()) == 0 }, soon, tick)
			if err == nil {
				require.Equal(t, int(before)+1, got)
			} else if transport.AsError(err).NotSent {
				require.Equal(t, before, calls.Load())
			}
			if err == nil && links[0].Messages(servicetest.Both) == 4 {
				whole++
				break
			}
		}
	}
	require.Equal(t, 2, whole)
}

func TestDelayIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, _ := counting()
		srv := servicetest.NewServer(t, svc)
		p := srv.Connect(t, "counter")
		_, err := count(t, p)
		require.NoError(t, err)
		srv.Network.Each(func(l *servicetest.Link) {
			l.Delay(servicetest.ToServer, 2*time.Second)
			l.Delay(servicetest.ToClient, 30*time.Millisecond)
		})
		start := time.Now()
		_, err = count(t, p)
		require.NoError(t, err)
		require.Equal(t, 2030*time.Millisecond, time.Since(start))

		_, err = service.Call[int](t.Context(), p, "count", service.Timeout(2029*time.Millisecond))
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.Equal(t, 4059*time.Millisecond, time.Since(start))

		synctest.Wait() // the message is on its way, for 2 s, that nobody waits for the result any more
		srv.Network.Heal()
		_, err = count(t, p)
		require.NoError(t, err)
		require.Equal(t, 6059*time.Millisecond, time.Since(start), "what is on its way is not overtaken")
		_, err = count(t, p)
		require.NoError(t, err)
		require.Equal(t, 6059*time.Millisecond, time.Since(start))
	})
}

func TestABlackHole(t *testing.T) {
	for _, dir := range []servicetest.Direction{servicetest.ToServer, servicetest.ToClient, servicetest.Both} {
		synctest.Test(t, func(t *testing.T) {
			svc, calls := counting()
			srv := servicetest.NewServer(t, svc)
			p := srv.Connect(t, "counter", service.ConnectTimeout(3*time.Second))
			_, err := count(t, p)
			require.NoError(t, err)
			srv.Network.Each(func(l *servicetest.Link) { l.Stall(dir) })
			start := time.Now()
			_, err = service.Call[int](t.Context(), p, "count", service.Timeout(time.Hour))
			require.ErrorIs(t, err, transport.ErrTimeout)
			require.Equal(t, time.Hour, time.Since(start))

			_, err = count(t, srv.Connect(t, "counter", service.ConnectTimeout(3*time.Second)))
			require.ErrorIs(t, err, transport.ErrTimeout)
			require.Equal(t, time.Hour+3*time.Second, time.Since(start), "nor does a handshake get through")

			carried := calls.Load()
			srv.Network.Each(func(l *servicetest.Link) { l.Resume(dir) })
			n, err := count(t, p)
			require.NoError(t, err)
			require.Equal(t, 3, n, "the call of before was carried out all the same")
			require.Equal(t, map[bool]int32{true: 1, false: 2}[dir&servicetest.ToServer != 0], carried)
		})
	}
}

func TestWhatArrivesInPiecesIsReadAllTheSame(t *testing.T) {
	for _, size := range []int{1, 2, 23, 24, 39, 40, 4096} {
		srv := servicetest.NewServer(t, echo())
		srv.Network.Each(func(l *servicetest.Link) { l.Split(servicetest.Both, size) })
		want := strings.Repeat("0123456789", 1000)
		for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			got, err := service.Call[string](t.Context(), srv.Connect(t, "echo", service.Dialect(dialect)), "echo", want)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestFaultsOfOneOfSeveralConnections(t *testing.T) {
	svc, _ := counting()
	srv := servicetest.NewServer(t, svc)
	p := srv.Connect(t, "counter", service.Pool(2))
	for range 2 {
		_, err := count(t, p)
		require.NoError(t, err)
	}
	links := srv.Network.Links()
	require.Len(t, links, 2)
	require.Equal(t, []int{1, 2}, []int{links[0].Number(), links[1].Number()})
	require.Equal(t, "memory:1", links[0].Address())
	links[1].CutAfterMessages(servicetest.ToServer, 1)
	failed := 0
	for range 2 {
		if _, err := count(t, p); err != nil {
			failed++
		}
	}
	require.Equal(t, 1, failed)
}

func TestMessagesAreCounted(t *testing.T) {
	svc, _ := counting()
	srv := servicetest.NewServer(t, svc)
	p := srv.Connect(t, "counter")
	_, err := count(t, p)
	require.NoError(t, err)
	link := srv.Network.Links()[0]
	require.Equal(t, 2, link.Messages(servicetest.ToServer), "handshake and call")
	require.Equal(t, 2, link.Messages(servicetest.ToClient))
	require.Equal(t, 4, link.Messages(servicetest.Both))
	require.Error(t, service.Do(t.Context(), p, "nonsense"))
	require.Equal(t, 4, link.Messages(servicetest.Both), "no round trip for what the object does not expose")
}

// join returns the two ends of a connection.
func join(t *testing.T) (client, server net.Conn, link *servicetest.Link) {
	t.Helper()
	n := servicetest.NewNetwork(t)
	l, err := n.Listen("here:1")
	require.NoError(t, err)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	client, err = n.DialContext(t.Context(), "tcp", "here:1")
	require.NoError(t, err)
	server = <-accepted
	require.NotNil(t, server)
	require.NoError(t, l.Close())
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server, n.Links()[0]
}

func TestAConnectionHoldsOnlySoMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := join(t)
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := client.Write(make([]byte, 1<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 256<<10, n)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())

		require.NoError(t, client.SetDeadline(time.Time{}))
		go func() {
			_, _ = client.Write(make([]byte, 1<<20))
			_ = client.Close()
		}()
		all, err := io.ReadAll(server)
		require.NoError(t, err)
		require.Len(t, all, 256<<10+1<<20)
	})
}

func TestTheEndArrivesWithTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, link := join(t)
		link.Delay(servicetest.ToClient, time.Second)
		start := time.Now()
		_, err := server.Write([]byte("bye"))
		require.NoError(t, err)
		require.NoError(t, server.Close())
		require.ErrorIs(t, server.Close(), net.ErrClosed)

		_, err = client.Write([]byte("are you there?"))
		require.NoError(t, err, "it cannot know yet")
		all, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Equal(t, "bye", string(all))
		require.Equal(t, time.Second, time.Since(start))
		_, err = client.Write([]byte("are you there?"))
		require.ErrorIs(t, err, syscall.EPIPE)
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestAStalledConnectionDoesNotTellThatItWasClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, link := join(t)
		link.Stall(servicetest.ToClient)
		require.NoError(t, server.Close())
		require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err := client.Write([]byte("are you there?"))
		require.NoError(t, err)
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		link.Resume(servicetest.ToClient)
		require.NoError(t, client.SetReadDeadline(time.Time{}))
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestADeadlineEndsAReadUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, link := join(t)
		read := make(chan error)
		go func() {
			_, err := client.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		require.NoError(t, client.SetReadDeadline(time.Unix(1, 0)))
		require.ErrorIs(t, <-read, os.ErrDeadlineExceeded)
		require.NoError(t, client.SetReadDeadline(time.Time{}))
		go func() {
			_, err := client.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		link.Cut()
		require.ErrorIs(t, <-read, syscall.ECONNRESET)
		_, err := server.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, "here:1", client.RemoteAddr().String())
		require.Equal(t, "client:1", client.LocalAddr().String())
		require.Equal(t, "memory", client.LocalAddr().Network())
	})
}

func TestACutAfterBytesLetsJustThoseThrough(t *testing.T) {
	client, server, link := join(t)
	link.CutAfterBytes(servicetest.ToServer, 5)
	_, err := client.Write([]byte("hello there"))
	require.NoError(t, err)
	all, err := io.ReadAll(server)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, "hello", string(all))
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestMessagesThatCannotBeSeenAreNotCounted(t *testing.T) {
	client, server, link := join(t)
	link.CutAfterMessages(servicetest.ToServer, 1)
	sent := bytes.Repeat([]byte("no message of Pyro's "), 10)
	_, err := client.Write(sent)
	require.NoError(t, err)
	got := make([]byte, len(sent))
	_, err = io.ReadFull(server, got)
	require.NoError(t, err)
	require.Equal(t, string(sent), string(got))
	require.Zero(t, link.Messages(servicetest.Both))
	link.CutAfterMessages(servicetest.ToServer, 0)
	_, err = client.Write(sent)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

// Whatever the network does, no call gets the answer to another, or is carried out twice.
func TestCallsOverABadNetwork(t *testing.T) {
	const callers, calls = 8, 500
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		carriedOut := map[int]int{}
		srv := servicetest.NewServer(t, service.New("o").Method("m", func(id int) int {
			mu.Lock()
			defer mu.Unlock()
			carriedOut[id]++
			return -id
		}))
		random := rand.New(rand.NewPCG(1, 2))
		srv.Network.Each(func(l *servicetest.Link) {
			mu.Lock()
			defer mu.Unlock()
			l.Delay(servicetest.Both, time.Duration(random.IntN(20))*time.Millisecond)
			l.Split(servicetest.Both, random.IntN(60))
			dirs := []servicetest.Direction{servicetest.ToServer, servicetest.ToClient}
			l.CutAfterBytes(dirs[random.IntN(2)], random.IntN(20000))
		})
		p := srv.Connect(t, "o", service.Pool(3))
		var answered, failed atomic.Int32
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for i := range calls {
					id := 1 + caller*calls + i
					got, err := service.Call[int](t.Context(), p, "m", id, service.Timeout(time.Second))
					mu.Lock()
					times := carriedOut[id]
					mu.Unlock()
					switch {
					case err == nil:
						answered.Add(1)
						assert.Equal(t, -id, got)
						assert.Equal(t, 1, times)
					case transport.AsError(err).NotSent:
						failed.Add(1)
						assert.Zero(t, times)
					default:
						failed.Add(1)
						assert.LessOrEqual(t, times, 1)
					}
				}
			})
		}
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		for id, times := range carriedOut {
			require.Equal(t, 1, times, id)
		}
		require.Greater(t, answered.Load(), int32(callers*calls/2))
		require.Positive(t, failed.Load())
	})
}
