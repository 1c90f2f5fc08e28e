//go:build integration

package integration

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
)

// blobContent is a Python expression that each serializer carries, and what Go decodes it into.
const blobContent = "[1, 'two', {'three': [3.5, None]}]"

type content struct {
	_      struct{} `pyro:",tuple"`
	Number int
	Text   string
	Dict   struct {
		Three []any `pyro:"three"`
	}
}

// worker is the end of a dispatcher's line in Go: it opens the blob.
func worker() *service.Service {
	return service.New("worker").Method("process", func(b *service.SerializedBlob) (map[string]any, error) {
		var c content
		if err := b.Decode(&c); err != nil {
			return nil, err
		}
		return map[string]any{
			"info": b.Info(), "number": c.Number, "text": c.Text, "three": c.Dict.Three,
			"object": b.Object(), "method": b.Method(), "serializer": b.Serializer(),
		}, nil
	})
}

// eachBlobSerializer runs a test for each dialect and serializer with a Python client and a Python service
// that has them all.
func eachBlobSerializer(t *testing.T, test func(t *testing.T, d peers.Dialect, c *peers.Client, python *peers.Process, serializer string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var args []string
		if d == peers.Pyro4 {
			args = []string{"--serializers", "serpent,json,marshal,msgpack,pickle,cloudpickle,dill"}
		}
		c, python := peers.NewClient(t, d), peers.Service(t, d, args...)
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) { test(t, d, c, python, serializer) })
		}
	})
}

// A Python client sends a blob to a Go dispatcher, which passes it on to a Python worker.
func TestGoDispatchesBetweenPythons(t *testing.T) {
	eachBlobSerializer(t, func(t *testing.T, d peers.Dialect, c *peers.Client, python *peers.Process, serializer string) {
		to := proxy(t, python.URIs["svc"], service.Dialect(wire(d)), service.Serializer(serializer))
		dispatcher := service.New("dispatcher").Method("process", func(ctx context.Context, b *service.SerializedBlob) (any, error) {
			return service.Call[any](ctx, to, "blob", b)
		})
		srv := serve(t, dispatcher, service.Serializers(serializer))
		connect(t, c, peers.Request{Proxy: "go", URI: srv.URI("dispatcher").String(), Serializer: serializer})

		got := c.Do(peers.Request{Op: "blob", Proxy: "go", Method: "process", Info: "topic", Args: blobContent})

		if serializer == "json" { // Python takes a dict's third key for the content
			require.Equal(t, "['topic', 'params']", repr(t, got))
			return
		}
		require.Equal(t, "['topic', "+blobContent+"]", repr(t, got))
	})
}

// A Go client sends a blob to a Python dispatcher, which passes it on to a Go worker.
func TestPythonDispatchesBetweenGos(t *testing.T) {
	eachBlobSerializer(t, func(t *testing.T, d peers.Dialect, _ *peers.Client, python *peers.Process, serializer string) {
		srv := serve(t, worker(), service.Serializers(serializer))
		listener := proxy(t, srv.URI("worker").String(), service.Serializer(serializer))
		p := proxy(t, python.URIs["dispatcher"], service.Dialect(wire(d)), service.Serializer(serializer))
		topic := "topic " + serializer
		if serializer == "marshal" { // Python's marshal sends no instances but at the top
			other := proxy(t, python.URIs["dispatcher"], service.Dialect(wire(d)))
			require.NoError(t, service.Do(t.Context(), other, "listen", topic, listener))
		} else {
			require.NoError(t, service.Do(t.Context(), p, "listen", topic, listener))
		}
		data := []any{1, "two", map[string]any{"three": []any{3.5, nil}}}

		got, err := service.Call[[]map[string]any](t.Context(), p, "dispatch", service.NewSerializedBlob(topic, data))

		require.NoError(t, err)
		require.Equal(t, []map[string]any{{
			"info": topic, "number": int64(1), "text": "two", "three": []any{3.5, nil},
			"object": "worker", "method": "process", "serializer": serializer,
		}}, got)
	})
}

// A Go dispatcher between Go ends, and a blob from Python at a Go worker whose dialect and serializer are
// others.
func TestGoDispatchesIntoAnotherDialect(t *testing.T) {
	eachBlobSerializer(t, func(t *testing.T, _ peers.Dialect, c *peers.Client, _ *peers.Process, serializer string) {
		srv := serve(t, worker())
		for _, to := range peers.Dialects {
			next := proxy(t, srv.URI("worker").String(), service.Dialect(wire(to)), service.Serializer("marshal"))
			dispatcher := service.New("dispatcher").Method("process", func(ctx context.Context, b *service.SerializedBlob) (any, error) {
				return service.Call[any](ctx, next, "process", b)
			})
			front := serve(t, dispatcher, service.Serializers(serializer))
			connect(t, c, peers.Request{Proxy: "go", URI: front.URI("dispatcher").String(), Serializer: serializer})
			got := c.Do(peers.Request{Op: "blob", Proxy: "go", Method: "process", Info: "topic", Args: blobContent})
			require.Contains(t, repr(t, got), "'three': [3.5, None]")
			require.Contains(t, repr(t, got), "'serializer': 'marshal'")
			require.Contains(t, repr(t, got), "'info': 'topic'")
		}
	})
}

// Compressed payloads are passed on as they are, too.
func TestCompressedBlobs(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d, "--config", "COMPRESSION=True")
		python := peers.Service(t, d)
		to := proxy(t, python.URIs["svc"], service.Dialect(wire(d)))
		srv := serve(t, service.New("dispatcher").Method("process", func(ctx context.Context, b *service.SerializedBlob) (any, error) {
			return service.Call[any](ctx, to, "blob", b)
		}))
		c.Connect("go", srv.URI("dispatcher").String())
		got := c.Do(peers.Request{Op: "blob", Proxy: "go", Method: "process", Info: "topic", Args: "['x' * 10000]"})
		require.Contains(t, repr(t, got), "xxxxxxxx")
	})
}

// What a Python caller sees of a blob that Go cannot take.
func TestBlobsThatGoCannotTake(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		e := raised(t, c.Do(peers.Request{Op: "blob", Proxy: "svc", Method: "length", Args: "['x']"}))
		require.Equal(t, "builtins.TypeError", e.Class)
		require.Equal(t, "'*pyro.SerializedBlob'", repr(t, c.Do(peers.Request{Op: "blob", Proxy: "svc", Method: "kind", Args: "['x']"})))
	})
}
