package servicetest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

func newGreeter() *service.Service {
	return service.New("example.greeting").Method("get_fortune", func(name string) (string, error) {
		if name == "" {
			return "", transport.NewError("ValueError", "nobody to greet")
		}
		return "Hello " + name, nil
	})
}

// A test of a service: what its callers see, in either dialect.
func TestGreeting(t *testing.T) {
	srv := servicetest.NewServer(t, newGreeter())
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := srv.Connect(t, "example.greeting", service.Dialect(dialect))
		text, err := service.Call[string](t.Context(), p, "get_fortune", "Irmen")
		require.NoError(t, err)
		require.Equal(t, "Hello Irmen", text)

		e := servicetest.RequireRemote(t, service.Do(t.Context(), p, "get_fortune", ""), "ValueError")
		require.Equal(t, "nobody to greet", e.Message)
	}
}

// A test of a caller: it gives up when it should. In a bubble an hour takes no time.
func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := servicetest.NewServer(t, newGreeter())
		p := srv.Connect(t, "example.greeting", service.Use(timeout.New(time.Hour)))
		require.NoError(t, p.Ping(t.Context()))

		srv.Network.Each(func(l *servicetest.Link) { l.Stall(servicetest.ToServer) })
		start := time.Now()
		err := service.Do(t.Context(), p, "get_fortune", "Irmen")
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

// A test of a caller that tries again: the reply to its first call is lost.
func TestCallerTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which spares the wait between two attempts
		srv := servicetest.NewServer(t, newGreeter())
		srv.Network.Each(func(l *servicetest.Link) {
			if l.Number() == 1 {
				l.CutAfterMessages(servicetest.ToServer, 2) // the handshake and the call
			}
		})
		p := srv.Connect(t, "example.greeting", service.Use(retry.New(retry.Safe("get_fortune"))))
		text, err := service.Call[string](t.Context(), p, "get_fortune", "Irmen")
		require.NoError(t, err)
		require.Equal(t, "Hello Irmen", text)
		links := srv.Network.Links()
		require.Equal(t, 2, links[len(links)-1].Number(), "over another connection")
	})
}

func ExampleNewServer() {
	complaints, _ := runTest(func(t testing.TB) { // in a test, this is func TestGreeting(t *testing.T)
		srv := servicetest.NewServer(t, newGreeter())
		p := srv.Connect(t, "example.greeting", service.Serializer("json"))
		fmt.Println(service.Call[string](t.Context(), p, "get_fortune", "Irmen"))
	})
	fmt.Println(len(complaints), "complaints")
	// Output:
	// Hello Irmen <nil>
	// 0 complaints
}

func ExampleReplay() {
	_, _ = runTest(func(t testing.TB) { // in a test, this is func TestService(t *testing.T)
		dial := servicetest.Replay(t, "testdata/pyro5.txt") // a Python service's answers
		p, err := service.Connect("PYRO:svc@localhost:9999", service.DialWith(dial), service.Dialect(codec.Pyro5))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		fmt.Println(service.Call[int](context.Background(), p, "add", 20, 22))
	})
	// Output: 42 <nil>
}
