package pyro_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A grumpy value panics when it is encoded.
type grumpy struct{}

func (grumpy) MarshalText() ([]byte, error) { panic("secret") }

// answers is a handler that accepts everybody and answers calls with call.
func answers(call transport.Endpoint) pyro.Handler {
	return pyro.Handler{
		Handshake: func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
			return &transport.Welcome{Metadata: &transport.ObjectMetadata{Methods: []string{"m"}}}, nil
		},
		Call: func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
			if c.Fetch != nil {
				return c.Fetch(ctx)
			}
			return call(ctx, c)
		},
	}
}

// startServer serves h on a port of its own.
func startServer(t *testing.T, h pyro.Handler, cfg pyro.ServerConfig, listen pyro.ListenConfig) (srv *pyro.Server, uri string) {
	t.Helper()
	srv, err := pyro.NewServer(h, cfg)
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l, listen) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
		require.ErrorIs(t, <-done, pyro.ErrServerClosed)
	})
	return srv, "PYRO:o@" + l.Addr().String()
}

// connectTo makes one connection.
func connectTo(t *testing.T, uri string, cfg pyro.DialConfig) *pyro.Conn {
	t.Helper()
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	c, err := pyro.Dial(t.Context(), u, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func invoke(ctx context.Context, c *pyro.Conn, method string) (*transport.Reply, error) {
	return c.Call(ctx, &transport.Call{Object: "o", Method: method})
}

func fetch(ctx context.Context, c *pyro.Conn, id string) (any, error) {
	r, err := c.Call(ctx, &transport.Call{Kind: transport.StreamItem, Object: "o", Method: "m", StreamID: id})
	if err != nil {
		return nil, err
	}
	if r.Done {
		return nil, io.EOF
	}
	return r.Value.Any()
}

func TestPanicsOfWhatIsServedEndNothingElse(t *testing.T) {
	panicking := func(yield func(any, error) bool) {
		if yield(1, nil) {
			panic("secret")
		}
	}
	stopped := func(yield func(any, error) bool) {
		if !yield(1, nil) {
			panic("secret")
		}
	}
	_, uri := startServer(t, answers(func(_ context.Context, c *transport.Call) (*transport.Reply, error) {
		switch c.Method {
		case "panics":
			panic("secret")
		case "grumpy":
			return &transport.Reply{Value: codec.ValueOf(grumpy{})}, nil
		case "grumpy exception":
			return nil, transport.NewError("ValueError", grumpy{})
		case "nil":
			return nil, nil //nolint:nilnil // what a careless middleware does
		case "stream":
			return &transport.Reply{Stream: panicking}, nil
		case "stopped":
			return &transport.Reply{Stream: stopped}, nil
		default:
			return &transport.Reply{Value: codec.ValueOf("fine")}, nil
		}
	}), pyro.ServerConfig{}, pyro.ListenConfig{})
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		c := connectTo(t, uri, pyro.DialConfig{Dialect: d})
		for _, method := range []string{"panics", "grumpy", "grumpy exception"} {
			_, err := invoke(t.Context(), c, method)
			var e *transport.Error
			require.ErrorAs(t, err, &e, method)
			require.True(t, e.Remote, method)
			require.NotContains(t, err.Error(), "secret")
		}
		r, err := invoke(t.Context(), c, "nil")
		require.NoError(t, err)
		v, err := r.Value.Any()
		require.NoError(t, err)
		require.Nil(t, v)

		r, err = invoke(t.Context(), c, "stream")
		require.NoError(t, err)
		_, err = fetch(t.Context(), c, r.StreamID)
		require.NoError(t, err)
		_, err = fetch(t.Context(), c, r.StreamID)
		require.ErrorContains(t, err, "RuntimeError: internal error")
		_, err = fetch(t.Context(), c, r.StreamID)
		require.ErrorContains(t, err, "item stream terminated")

		r, err = invoke(t.Context(), c, "stopped")
		require.NoError(t, err)
		_, err = fetch(t.Context(), c, r.StreamID)
		require.NoError(t, err)
		require.NoError(t, c.CloseStream(t.Context(), r.StreamID))

		_, err = invoke(t.Context(), c, "fine")
		require.NoError(t, err, "all that over one connection")
	}
}

func TestAHandshakeThatPanicsDenies(t *testing.T) {
	h := answers(nil)
	h.Handshake = func(context.Context, *transport.Handshake) (*transport.Welcome, error) { panic("secret") }
	_, uri := startServer(t, h, pyro.ServerConfig{}, pyro.ListenConfig{})
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	_, err = pyro.Dial(t.Context(), u, pyro.DialConfig{})
	require.ErrorContains(t, err, "rejected the connection: internal error")
}

// Without a bound, the time to sort a million annotations would grow with their square.
func TestTooManyAnnotationsEndTheConnection(t *testing.T) {
	conn := dialRaw(t, startPython(t))
	_, err := conn.Write(captureOf(t, "pyro5", "serpent/connect"))
	require.NoError(t, err)
	_, err = vectortest.ReadFrame(conn)
	require.NoError(t, err)
	var notes bytes.Buffer
	for i := range 1 << 20 {
		fmt.Fprintf(&notes, "%c%c%c%c\x00\x00\x00\x00", 'A'+i>>15&31, 'A'+i>>10&31, 'A'+i>>5&31, 'A'+i&31)
	}
	frame := vectortest.Build("pyro5", vectortest.Invoke, 0, 1, 1, notes.String()+"('svc','nothing',(),{})")
	binary.BigEndian.PutUint32(frame[16:], uint32(notes.Len()))
	binary.BigEndian.PutUint32(frame[12:], uint32(len(frame)-40-notes.Len()))
	_, err = conn.Write(frame)
	require.NoError(t, err)
	requireClosed(t, conn)
}

// captureOf returns the first frame that the client sent in an exchange.
func captureOf(t *testing.T, dialect, name string) []byte {
	t.Helper()
	return vectortest.Find(t, vectortest.Exchanges(t, vectors, dialect), name).Sent("client")[0]
}

func TestHandshakesForNoObjectAreRefused(t *testing.T) {
	address := startPython(t)
	for _, dialect := range vectortest.Dialects {
		for _, object := range []string{"5", "''", "None", "['svc']", "'nobody'"} {
			flags := uint16(0)
			if dialect == "pyro4" {
				flags = vectortest.Meta4
			}
			conn := dialRaw(t, address)
			_, err := conn.Write(vectortest.Build(dialect, vectortest.Connect, flags, 0, 1, "{'handshake':'hello','object':"+object+"}"))
			require.NoError(t, err)
			f, err := vectortest.ReadFrame(conn)
			require.NoError(t, err)
			require.Equal(t, vectortest.ConnectFail, f.Type, object)
			require.Contains(t, string(f.Payload), "unknown object")
			requireClosed(t, conn)
		}
	}
}

func TestASilentPeerIsSentAway(t *testing.T) {
	_, uri := startServer(t, answers(nil), pyro.ServerConfig{HandshakeTimeout: 30 * time.Millisecond}, pyro.ListenConfig{})
	for _, sent := range []string{"", "PYR", "PYRO\x01\xf6\x01"} {
		conn := dialRaw(t, strings.TrimPrefix(uri, "PYRO:o@"))
		_, err := conn.Write([]byte(sent))
		require.NoError(t, err)
		requireClosed(t, conn)
	}
}

// A method's iterator that hears neither its context nor yield must not hold the end of the server.
func TestAnIteratorThatHearsNothingDoesNotHoldTheEnd(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	deaf := iter.Seq2[any, error](func(yield func(any, error) bool) {
		close(entered)
		<-release
		yield(1, nil)
	})
	srv, err := pyro.NewServer(answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{Stream: deaf}, nil
	}), pyro.ServerConfig{})
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l, pyro.ListenConfig{}) }()
	c := connectTo(t, "PYRO:o@"+l.Addr().String(), pyro.DialConfig{})
	r, err := invoke(t.Context(), c, "m")
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := fetch(context.Background(), c, r.StreamID)
		failed <- err
	}()
	<-entered
	ended, end := context.WithCancel(t.Context())
	end()
	require.ErrorContains(t, srv.Shutdown(ended), "1 call was cut off")
	require.NoError(t, srv.Close())
	require.ErrorIs(t, <-failed, transport.ErrUnavailable)
	require.ErrorIs(t, <-served, pyro.ErrServerClosed)
	close(release)
}

func TestAServiceThatMisbehavesInABatchIsToldAsAResult(t *testing.T) {
	address := startPython(t)
	tests := []struct{ name, entries, want string }{
		{"an object that is not there", "", `DaemonError("unknown object")`},
		{"an iterator", "[('add',(1,2),{}),('stream',(3,),{}),('add',(1,2),{})]", `[3 batch exception builtins.TypeError("iterators cannot be results in a batch")`},
		{"an argument too many", "[('add',(1,2),{}),('nothing',(3,),{})]", "[3 batch exception builtins.TypeError("},
		{"an attribute", "[('add',(1,2),{}),('__getattr__',('velocity',),{})]", `exception builtins.AttributeError("attempt to access private attribute '__getattr__'")`},
		{"a private name", "[('_x',(),{})]", `exception builtins.AttributeError("attempt to access private attribute '_x'")`},
		{"an unknown name", "[('add',(1,2),{}),('missing',(),{}),('add',(1,2),{})]", `exception builtins.AttributeError("'svc' object has no attribute 'missing'")`},
		{"no calls", "[]", "[]"},
		{"entries that are none", "[1,2]", "exception builtins."},
		{"a list for each entry", "[['add',[1,2],{}]]", "[3]"},
	}
	for _, dialect := range vectortest.Dialects {
		for _, tt := range tests {
			t.Run(dialect+"/"+tt.name, func(t *testing.T) {
				r := &replay{t: t, address: address, dialect: dialect, streams: strings.NewReplacer()}
				r.connect(captureOf(t, dialect, "serpent/connect"))
				call := "('svc','<batch>'," + tt.entries + ",None)"
				if tt.entries == "" {
					call = "('gone','<batch>',[('add',(1,2),{})],None)"
				}
				r.send(vectortest.Build(dialect, vectortest.Invoke, vectortest.Batch, 7, 1, call))
				f, err := vectortest.ReadFrame(r.conn)
				require.NoError(t, err)
				require.Equal(t, uint16(7), f.Seq)
				require.Contains(t, r.describePayload(f), tt.want)
				raised := !strings.HasPrefix(tt.want, "[")
				require.Equal(t, raised, f.Flags&vectortest.Exception != 0)
				require.Equal(t, !raised, f.Flags&vectortest.Batch != 0)
				r.requireSilentAndOpen()
			})
		}
	}
}

func TestServersRefuseWhatTheyCannotServe(t *testing.T) {
	_, err := pyro.NewServer(answers(nil), pyro.ServerConfig{Serializers: []string{"serpent", "rot13"}})
	require.ErrorContains(t, err, `unknown serializer "rot13"`)
	var own *transport.Error
	require.NotErrorAs(t, err, &own)
	require.Error(t, service.NewServer(service.Serializers("rot13")).Start())
}
