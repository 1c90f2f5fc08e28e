package pyro_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

var blobSerializers = []string{"serpent", "json", "marshal", "msgpack"}

// blobInfo is what the annotation BLBI says.
type blobInfo struct {
	_              struct{} `pyro:",tuple"`
	Info           any
	Object, Method string
}

func infoOf(t *testing.T, f *vectortest.Frame) blobInfo {
	t.Helper()
	var info blobInfo
	require.NoError(t, marshal.Unmarshal([]byte(f.Annotations["BLBI"]), &info))
	return info
}

func TestClientSendsBlobsAsPythonDoes(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		for _, serializer := range blobSerializers {
			t.Run(dialect+"/"+serializer, func(t *testing.T) {
				e := vectortest.Find(t, exchanges, serializer+"/blob")
				want, err := vectortest.ReadFrame(bytes.NewReader(e.Sent("client")[0]))
				require.NoError(t, err)
				s := newScript(vectortest.Find(t, exchanges, serializer+"/connect").Sent("server")[0], e.Sent("server")[0])
				p := proxyFor(t, startPeer(t, s.serve).uri("svc"), service.Dialect(dialectOf[dialect]), service.Serializer(serializer))

				_, err = service.Call[any](t.Context(), p, "blob", service.NewSerializedBlob("blob-info", []any{1, "two"}))

				require.Len(t, s.requests(), 2, err)
				got := s.requests()[1]
				require.Equal(t, want.Flags, got.Flags)
				require.Equal(t, want.Keys, got.Keys)
				require.Equal(t, blobInfo{Info: "blob-info", Object: "svc", Method: "blob"}, infoOf(t, got))
				require.Equal(t, infoOf(t, want), infoOf(t, got))
				k := codecs[dialect][want.Serializer]
				require.Equal(t, describeAny(t, k, want.Payload), describeAny(t, k, got.Payload))
			})
		}
	}
}

func describeAny(t *testing.T, k codec.Codec, data []byte) string {
	t.Helper()
	var v any
	require.NoError(t, k.Unmarshal(data, &v, nil))
	return valuetest.Describe(v)
}

// dispatcher is a service that passes blobs on to a proxy, which it looks at by their info alone.
func dispatcher(to *service.Proxy) *service.Service {
	return service.New("svc").Method("blob", func(ctx context.Context, b *service.SerializedBlob) (any, error) {
		return service.Call[any](ctx, to, "process", b)
	})
}

// A dispatcher passes the payload on as it came, in another's name.
func TestABlobIsPassedOnAsItCame(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		for _, serializer := range blobSerializers {
			for _, compressed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s compressed %t", dialect, serializer, compressed), func(t *testing.T) {
					hello := vectortest.Find(t, exchanges, serializer+"/connect")
					reply := vectortest.Find(t, exchanges, serializer+"/echo").Sent("server")[0]
					s := newScript(hello.Sent("server")[0], reply)
					worker := startPeer(t, s.serve)
					to := proxyFor(t, worker.uri("worker"), service.Dialect(dialectOf[dialect]), service.Serializer(serializer), service.NoMetadata())
					r := &replay{t: t, dialect: dialect, address: serveDispatcher(t, to, serializer), streams: strings.NewReplacer()}
					r.connect(hello.Sent("client")[0])
					sent := vectortest.Find(t, exchanges, serializer+"/blob").Sent("client")[0]
					if compressed {
						sent = withFlag(sent, vectortest.Compressed) // what it really is, nobody looks at
					}

					r.send(sent)
					answer, err := vectortest.ReadFrame(r.conn)

					require.NoError(t, err)
					require.Zero(t, answer.Flags&vectortest.Exception, r.describePayload(answer))
					require.Len(t, s.requests(), 2)
					got := s.requests()[1]
					require.Equal(t, string(r.asked.Payload), string(got.Payload))
					if dialect == "pyro5" { // the dispatcher's calls carry its caller's correlation id on
						got.Flags &^= vectortest.Correlated5
					}
					require.Equal(t, r.asked.Flags, got.Flags)
					require.Equal(t, blobInfo{Info: "blob-info", Object: "worker", Method: "process"}, infoOf(t, got))
				})
			}
		}
	}
}

func serveDispatcher(t *testing.T, to *service.Proxy, serializer string) string {
	t.Helper()
	return startServing(t, dispatcher(to), service.Serializers(serializer))
}

// withFlag returns a frame with one flag more.
func withFlag(frame []byte, flag uint16) []byte {
	frame = bytes.Clone(frame)
	be := binary.BigEndian
	at := 8
	be.PutUint16(frame[at:], be.Uint16(frame[at:])|flag)
	if be.Uint16(frame[4:]) == 48 {
		be.PutUint16(frame[22:], be.Uint16(frame[22:])+flag)
	}
	return frame
}

// Where the serializer or the dialect is another, the content is encoded anew, its classes included.
func TestABlobIsEncodedAnewForOthers(t *testing.T) {
	uri := pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1}
	content := codec.NewDict("zulu", []any{1, "two", 3.5}, "alpha", uri, "error", transport.NewError("NamingError", "lost"))
	const want = `dict{"alpha":URI PYRO:o@h:1 "error":exception Pyro%d.errors.NamingError("lost") attributes{} traceback:false "zulu":[1 "two" float 3.5]}`
	var keys []string
	worker := service.New("worker").Method("process", func(b *service.SerializedBlob) (string, error) {
		var dict *codec.Dict
		err := b.Decode(&dict)
		keys = nil
		for k := range dict.Keys() {
			keys = append(keys, fmt.Sprint(k))
		}
		return valuetest.Describe(dict), err
	})
	all := service.Serializers(blobSerializers...)
	workerURI := "PYRO:worker@" + startServing(t, worker, all)
	for _, in := range blobSerializers {
		for _, out := range blobSerializers {
			for _, from := range bothDialects {
				for _, to := range bothDialects {
					t.Run(fmt.Sprintf("%s %s to %s %s", from, in, to, out), func(t *testing.T) {
						middle := startServing(t, dispatcher(proxyFor(t, workerURI, service.Dialect(to), service.Serializer(out))), all)
						p := proxyFor(t, "PYRO:svc@"+middle, service.Dialect(from), service.Serializer(in))
						got, err := service.Call[string](t.Context(), p, "blob", service.NewSerializedBlob("info", content))
						require.NoError(t, err)
						require.Equal(t, fmt.Sprintf(want, to), got)
						require.Equal(t, []string{"zulu", "alpha", "error"}, keys, "in their order")
					})
				}
			}
		}
	}
}

func TestWhatIsWrongWithABlob(t *testing.T) {
	svc := service.New("svc").
		Method("info", func(b *service.SerializedBlob) any { return b.Info() }).
		Method("content", func(b *service.SerializedBlob) ([]int, error) {
			var n []int
			return n, b.Decode(&n)
		}).
		Method("plain", func(n int) int { return n }).
		Method("anything", func(v any) string { return fmt.Sprintf("%T", v) })
	address := startServing(t, svc)
	annotation := func(parts ...any) string {
		data, err := marshal.Marshal(codec.Tuple(parts))
		require.NoError(t, err)
		return string(data)
	}
	call := "# serpent utf-8 python3.2\n('svc','x',[1,2],{})"
	tests := []struct {
		name       string
		annotation string
		flags      uint16
		payload    string
		want       string
	}{
		{"no annotation", "", 0, call, `exception builtins.KeyError("BLBI")`},
		{"an annotation that is no marshal", "?", 0, call, "exception builtins.ValueError("},
		{"of another length", annotation("info", "svc"), 0, call, "exception builtins.ValueError("},
		{"without names", annotation("info", 1, 2), 0, call, "exception builtins.TypeError("},
		{"for nobody", annotation("info", "nobody", "info"), 0, call, "exception Pyro5.errors.DaemonError("},
		{"a batch", annotation("info", "svc", "info"), vectortest.Batch, call, "exception builtins.TypeError("},
		{"for the daemon", annotation("info", "Pyro.Daemon", "get_next_stream_item"), 0, call, "exception builtins.TypeError("},
		{"for an attribute", annotation("info", "svc", "__getattr__"), 0, call, "exception builtins.TypeError("},
		{"garbage that nobody looks at", annotation("info", "svc", "info"), vectortest.Compressed, "garbage", `"info"`},
		{"info of any kind", annotation(codec.Tuple{1, []any{"x"}}, "svc", "info"), 0, call, `(1 ["x"])`},
		{"garbage", annotation("info", "svc", "content"), 0, "garbage(", "exception builtins.ValueError("},
		{"what is not compressed", annotation("info", "svc", "content"), vectortest.Compressed, call, "exception builtins.RuntimeError(\"cannot decompress"},
		{"content of another type", annotation("info", "svc", "content"), 0, strings.Replace(call, "[1,2]", "[1,'x']", 1), `exception builtins.TypeError("blob[1]: want int, found str")`},
		{"content", annotation("info", "svc", "content"), 0, call, "[1 2]"},
		{"for a method of plain values", annotation("info", "svc", "plain"), 0, call, `exception builtins.TypeError("args[0]: want int, found *pyro.SerializedBlob")`},
		{"for a method of anything", annotation("info", "svc", "anything"), 0, call, `"*pyro.SerializedBlob"`},
	}
	hello := vectortest.Find(t, vectortest.Exchanges(t, vectors, "pyro5"), "serpent/connect").Sent("client")[0]
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &replay{t: t, dialect: "pyro5", address: address, streams: strings.NewReplacer()}
			r.connect(hello)
			r.send(blobFrame(tt.flags, tt.annotation, tt.payload))
			got, err := vectortest.ReadFrame(r.conn)
			require.NoError(t, err)
			require.Contains(t, r.describePayload(got), tt.want)
			r.name = "pyro5"
			r.requireSilentAndOpen()
		})
	}
}

// blobFrame is an INVOKE of Pyro5 with flag KEEPSERIALIZED in serpent.
func blobFrame(flags uint16, annotation, payload string) []byte {
	frame := vectortest.Build("pyro5", vectortest.Invoke, flags|0x20, 1, 1, payload)
	if annotation == "" {
		return frame
	}
	chunk := binary.BigEndian.AppendUint32([]byte("BLBI"), uint32(len(annotation)))
	chunk = append(chunk, annotation...)
	binary.BigEndian.PutUint32(frame[16:], uint32(len(chunk)))
	return append(append(bytes.Clone(frame[:40]), chunk...), frame[40:]...)
}

// A method may keep a blob: later messages on the connection do not touch it.
func TestABlobOutlivesItsCall(t *testing.T) {
	var kept []*service.SerializedBlob
	svc := service.New("svc").
		Method("keep", func(b *service.SerializedBlob) { kept = append(kept, b) }).
		Method("other", func(s string) int { return len(s) })
	p := proxyFor(t, "PYRO:svc@"+startServing(t, svc))
	sizes := []int{1, 1000, 20_000, 33_000, 300_000, 3_000_000}
	for i, n := range sizes {
		text := strings.Repeat(string(rune('a'+i)), n)
		require.NoError(t, service.Do(t.Context(), p, "keep", service.NewSerializedBlob(i, text)))
		_, err := service.Call[int](t.Context(), p, "other", strings.Repeat("!", n))
		require.NoError(t, err)
	}
	require.Len(t, kept, len(sizes))
	for i, b := range kept {
		var text string
		require.NoError(t, b.Decode(&text))
		require.Equal(t, strings.Repeat(string(rune('a'+i)), sizes[i]), text)
		require.EqualValues(t, i, b.Info())
		require.Equal(t, "svc", b.Object())
		require.Equal(t, "keep", b.Method())
		require.Equal(t, "serpent", b.Serializer())
	}
}

func TestABlobIsTheOnlyArgument(t *testing.T) {
	svc := service.New("svc").
		Method("content", func(b *service.SerializedBlob) (any, error) {
			var v any
			return v, b.Decode(&v)
		}).
		Method("count", func(args ...any) int { return len(args) }).
		Method("back", func(b *service.SerializedBlob) any { return b })
	p := proxyFor(t, "PYRO:svc@"+startServing(t, svc))
	b := service.NewSerializedBlob("info", 5)
	tests := map[string]func() error{
		"with another argument":    func() error { return service.Do(t.Context(), p, "count", b, 1) },
		"behind another argument":  func() error { return service.Do(t.Context(), p, "count", 1, b) },
		"with a keyword argument":  func() error { return service.Do(t.Context(), p, "content", b, service.Kwargs{"x": 1}) },
		"as a keyword argument":    func() error { return service.Do(t.Context(), p, "content", service.Kwargs{"b": b}) },
		"within another argument":  func() error { return service.Do(t.Context(), p, "count", []any{b}) },
		"as the value to be set":   func() error { return service.Set(t.Context(), p, "x", b) },
		"with info of another use": func() error { return service.Do(t.Context(), p, "count", service.NewSerializedBlob(b, 1)) },
	}
	for name, call := range tests {
		err := call()
		var e *transport.Error
		require.ErrorAs(t, err, &e, name)
		if name != "as the value to be set" { // the metadata knows no such attribute
			require.ErrorContains(t, err, "must be the only argument", name)
			require.Equal(t, transport.CodeInvalidArgument, e.Code, name)
		}
		require.True(t, e.NotSent, name)
	}
	require.ErrorContains(t, service.Do(t.Context(), p, "back", b), "must be the only argument", "nor is it a result")
	require.ErrorContains(t, service.Do(t.Context(), p, "content", 5), "content() takes a SerializedBlob")

	got, err := service.Call[int](t.Context(), p, "content", b)
	require.NoError(t, err)
	require.Equal(t, 5, got)
	n, err := service.Call[int](t.Context(), p, "count", b)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	var same int
	require.NoError(t, b.Decode(&same))
	require.Equal(t, 5, same)
	require.Empty(t, b.Object()+b.Method()+b.Serializer())
	var other string
	var typeErr *codec.TypeError
	require.ErrorAs(t, b.Decode(&other), &typeErr)
	require.Error(t, b.Decode(other), "no pointer")
}

func TestAOnewayBlob(t *testing.T) {
	got := make(chan string, 1)
	svc := service.New("svc").Method("notify", func(b *service.SerializedBlob) error {
		var s string
		err := b.Decode(&s)
		got <- s
		return err
	}, service.Oneway())
	p := proxyFor(t, "PYRO:svc@"+startServing(t, svc))
	require.NoError(t, service.Do(t.Context(), p, "notify", service.NewSerializedBlob(nil, "hello")))
	require.Equal(t, "hello", <-got)
}

// A blob is inflated when its content is wanted, and no further than allowed.
func TestABlobIsInflatedLate(t *testing.T) {
	svc := service.New("svc").Method("blob", func(b *service.SerializedBlob) (int, error) {
		var s string
		err := b.Decode(&s)
		if _, tooLarge := errors.AsType[*codec.LimitError](err); tooLarge {
			return -1, nil
		}
		return len(s), err
	})
	p := proxyFor(t, "PYRO:svc@"+startServing(t, svc, service.MaxInflatedSize(100_000)), service.Compression())
	for n, want := range map[int]int{50_000: 50_000, 200_000: -1} {
		got, err := service.Call[int](t.Context(), p, "blob", service.NewSerializedBlob("zeros", strings.Repeat("0", n)))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// The content of a call whose keys json has in another order.
func TestABlobOfJSONInAnyOrder(t *testing.T) {
	svc := service.New("svc").Method("blob", blob)
	r := &replay{t: t, dialect: "pyro5", address: startServing(t, svc), streams: strings.NewReplacer()}
	exchanges := vectortest.Exchanges(t, vectors, "pyro5")
	r.connect(vectortest.Find(t, exchanges, "json/connect").Sent("client")[0])
	info, err := marshal.Marshal(codec.Tuple{"i", "svc", "blob"})
	require.NoError(t, err)
	frame := blobFrame(0, string(info), `{"kwargs": {}, "params": {"a": [1]}, "method": "m", "object": "o"}`)
	frame[7] = 3
	r.send(frame)
	got, err := vectortest.ReadFrame(r.conn)
	require.NoError(t, err)
	require.Equal(t, `["i" {a:[1]}]`, r.describePayload(got))
}
