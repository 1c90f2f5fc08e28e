package pyro_test

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A pythonService is, member by member, the Python object that the captured clients called.
type pythonService struct {
	mu       sync.Mutex // guards velocity
	velocity int
}

// objects returns the services that the captured daemons had.
func objects() []*service.Service {
	p := &pythonService{velocity: 42}
	return []*service.Service{
		p.service(),
		service.New("other").Method("hello", func() string { return "hello from other" }),
		service.New("plain").Method("visible", func() int { return 1 }),
		service.New("nothing"),
	}
}

func (p *pythonService) service() *service.Service {
	s := service.New("svc")
	s.Method("echo", func(v any) any { return v }, service.Params("value"))
	s.Method("add", func(a, b int) int { return a + b }, service.Params("a", service.Default("b", 2)))
	s.Method("keywords", func(a, b any, kw map[string]any) any { return []any{[]any{a, b}, kw} }, service.KwargsStruct())
	s.Method("nothing", func() {})
	s.Method("divide", divide, service.Params("a", "b"))
	s.Method("call_me", pythonType, service.Params("target"))
	s.Method("blob", blob)
	s.Method("types", func(args ...any) []string {
		names := make([]string, len(args))
		for i, a := range args {
			names[i] = pythonType(a)
		}
		return names
	})
	s.Method("big", func(n int) string { return strings.Repeat("x", n) }, service.Params("n"))
	s.Method("uri", func(ctx context.Context) pyro.URI {
		return pyro.URI{Protocol: pyro.ProtocolPyro, Object: "other", Host: "127.0.0.1", Port: capturedPort(ctx)}
	})
	s.Method("other", other)
	s.Method("item", func() codec.Object {
		return codec.Object{Class: "service.Item", Attrs: map[string]any{"name": "bolt", "size": 3}}
	})
	s.Method("unserializable", func() any { return func() {} })
	s.Method("context", contextOf)
	s.Method("annotated", func(ctx context.Context) string {
		setResponse(ctx, "RSP1", "first")
		setResponse(ctx, "RSP2", "")
		return "see annotations"
	})
	s.Method("annotated_fails", func(ctx context.Context) error {
		setResponse(ctx, "LEAK", "left over")
		return transport.NewError("ValueError", "after setting annotations")
	})
	s.Method("notify", func(any) string { return "dropped" }, service.Oneway())
	s.Method("notify_fails", func() error { return transport.NewError("ValueError", "nobody sees this") }, service.Oneway())
	s.Method("__dunder__", func() string { return "a dunder name" })
	s.Method("__len__", func() int { return 3 })
	s.Method("__getitem__", func(i int) int { return []int{10, 20, 30}[i] })
	addFailures(s)
	addStreams(s)
	s.Property("velocity", p.get, p.set)
	s.Property("readonly", func() string { return "fixed" }, nil)
	return s
}

func addFailures(s *service.Service) {
	raise := func(class string, args ...any) func() error {
		return func() error { return transport.NewError(class, args...) }
	}
	s.Method("fail", raise("ValueError", "wrong value", 42))
	s.Method("fail_attributes", func() error {
		e := transport.NewError("KeyError", "missing")
		e.Attrs = map[string]any{"code": 7, "details": map[string]any{"path": []string{"a", "b"}}}
		return e
	})
	s.Method("fail_custom", raise("service.CustomError", "not a builtin"))
	s.Method("fail_naming", raise("Pyro5.errors.NamingError", "unknown name: x"))
	s.Method("fail_communication", raise("Pyro5.errors.TimeoutError", "pretended"))
	s.Method("fail_unserializable", raise("ValueError", func() {}))
	s.Method("fail_callback", raise("ValueError", "seen on both sides"))
}

func addStreams(s *service.Service) {
	s.Method("stream", func(count int) iter.Seq[string] {
		return func(yield func(string) bool) {
			for i := range count {
				if !yield(fmt.Sprintf("item-%d", i)) {
					return
				}
			}
		}
	}, service.Params("count"))
	s.Method("stream_fails", func() iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			if yield(1, nil) {
				yield(0, transport.NewError("ValueError", "in the middle"))
			}
		}
	})
	s.Method("stream_list_iterator", func() iter.Seq[int] {
		return func(yield func(int) bool) { _ = yield(1) && yield(2) }
	})
	s.Method("stream_dict_view", func() []string { return []string{"a"} })
}

func (p *pythonService) get() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.velocity
}

func (p *pythonService) set(v int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.velocity = v
}

func divide(a, b int) (int, error) {
	if b == 0 {
		return 0, transport.NewError("ZeroDivisionError", "integer division or modulo by zero")
	}
	return a / b, nil
}

func setResponse(ctx context.Context, key, value string) {
	transport.FromContext(ctx).Response.Set(key, []byte(value))
}

// capturedPort is the port that the daemon of the caller's dialect had.
func capturedPort(ctx context.Context) int {
	if transport.FromContext(ctx).Peer.Dialect == codec.Pyro4 {
		return 48004
	}
	return 50205
}

// other returns what Python makes of a registered object: its proxy, at the port of the captured daemon.
func other(ctx context.Context) pyro.ProxyState {
	uri := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "other", Host: "127.0.0.1", Port: capturedPort(ctx)}
	return pyro.ProxyState{URI: uri, Methods: []string{"hello"}}
}

func blob(b *service.SerializedBlob) ([]any, error) {
	var content any
	err := b.Decode(&content)
	return []any{b.Info(), content}, err
}

func contextOf(ctx context.Context) map[string]any {
	info := transport.FromContext(ctx)
	annotations := map[string]any{}
	for _, a := range info.Header.Annotations {
		text := make([]rune, len(a.Value)) // Latin-1
		for i, b := range a.Value {
			text[i] = rune(b)
		}
		annotations[a.Key] = string(text)
	}
	return map[string]any{
		"correlation_id": info.Header.CorrelationID.String(),
		"annotations":    annotations,
		"seq":            info.Header.Seq,
		"msg_flags":      info.Header.Flags,
		"serializer_id":  info.Header.Serializer,
	}
}

// pythonType is type(v).__name__ of the value that v was in Python.
func pythonType(v any) string {
	switch x := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case complex128:
		return "complex"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case []any:
		return "list"
	case codec.Tuple:
		return "tuple"
	case codec.Set:
		return "set"
	case map[string]any, *codec.Dict:
		return "dict"
	case time.Time:
		return "datetime"
	case codec.Date:
		return "date"
	case pyro.URI:
		return "URI"
	case *service.Proxy:
		return "Proxy"
	case codec.Object:
		return x.Class[strings.LastIndex(x.Class, ".")+1:]
	default:
		return fmt.Sprintf("%T", v)
	}
}
