//go:build integration

package integration

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"math/big"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// pyroliteServices are in Go what the Java program of pyrolite/ calls of the Python services.
func pyroliteServices() []*service.Service {
	g := newGoService()
	var closed atomic.Int64
	svc := service.New("svc").AsClass("service_classes.<locals>.Service")
	svc.Method("echo", func(v any) any { return v })
	svc.Method("value", valueOfPython)
	svc.Method("big", func(n int) string { return string(bytesOf('x', n)) })
	svc.Method("add", func(a, b int) int { return a + b }, service.Params("a", service.Default("b", 2)))
	svc.Method("nothing", func() {})
	svc.Method("__len__", func() int { return 3 })
	svc.Method("fail", failAs)
	svc.Method("stream", func(n int) iter.Seq[int] { return countTo(n, &closed) })
	svc.Method("streams_closed", closed.Load)
	svc.Method("stream_fails", streamFails)
	svc.Method("notify", g.notify, service.Oneway())
	svc.Method("received", g.all)
	svc.Property("velocity", g.getVelocity, g.setVelocity)
	svc.Property("readonly", func() string { return "cannot be set" }, nil)
	svc.Method("context", headerOfCall)
	svc.Method("annotated", annotated)
	svc.Method("call_back", func(ctx context.Context, p *service.Proxy, method string, args ...any) (any, error) {
		defer p.Close()
		return service.Call[any](ctx, p, method, args...)
	})
	svc.Method("new_counter", newCounter)
	svc.Method("new_counters", func(ctx context.Context) (map[string]any, error) {
		inList, err := newCounter(ctx)
		if err != nil {
			return nil, err
		}
		inTuple, err := newCounter(ctx)
		return map[string]any{"list": []any{inList}, "tuple": codec.Tuple{1, inTuple}}, err
	})
	newTally := func(context.Context) (*tally, error) { return &tally{}, nil }
	return []*service.Service{
		svc, service.PerSession(newTally).Named("session"), service.Single(newTally).Named("single"), service.PerCall(newTally).Named("percall"),
	}
}

// valuesOfPython are the values of the expressions in Values.java.
var valuesOfPython = map[string]any{
	"None": nil, "True": true, "False": false, "0": 0, "-1": -1, "2**31 - 1": math.MaxInt32, "2**31": int64(1 << 31), "-2**31 - 1": int64(-1<<31 - 1),
	"2**63 - 1": int64(math.MaxInt64), "2**63": uint64(1 << 63), "-2**63": int64(math.MinInt64),
	"-2**63 - 1": new(big.Int).Sub(big.NewInt(math.MinInt64), big.NewInt(1)),
	"10**100":    new(big.Int).Exp(big.NewInt(10), big.NewInt(100), nil),
	"3.0":        3.0, "-0.0": math.Copysign(0, -1), "0.1": 0.1, "5e-324": 5e-324, "1e308": 1e308, "1e16": 1e16,
	"inf": math.Inf(1), "-inf": math.Inf(-1), "nan": math.NaN(), "3+4j": 3 + 4i, "-2.5j": complex(math.Copysign(0, -1), -2.5),
	"''": "", "'text'": "text", `'it\'s "quoted"'`: `it's "quoted"`, `'back\\slash'`: `back\slash`, `'\t\n\r\x01\x7f'`: "\t\n\r\x01\x7f",
	`'caf\xe9 \xff'`: "café ÿ", `'\u4f60\u597d'`: "\u4f60\u597d", `'\U0001f600'`: "😀", `'\u2028 \ue000'`: "\u2028 \ue000", `'\U000e0001'`: "\U000e0001",
	"b''": []byte{}, "b'bytes'": []byte("bytes"), "bytes(range(256))": everyByte(), "bytearray(b'ab')": []byte("ab"),
	"[]": []any{}, "[1, [2, [3]]]": []any{1, []any{2, []int{3}}}, "()": codec.Tuple{}, "(1,)": codec.Tuple{1},
	"(1, ('two', 3.0))": codec.Tuple{1, codec.Tuple{"two", 3.0}}, "{}": map[string]any{}, "{'a': 1, 'b': [None]}": map[string]any{"a": 1, "b": []any{nil}},
	"{1: 'a', 2: 'b'}": map[int]string{1: "a", 2: "b"}, "{(1, 'two'): 3}": codec.NewDict(codec.Tuple{1, "two"}, 3),
	"{1, 2, 3}": codec.NewSet(1, 2, 3), "set()": codec.NewSet(),
	"{'data': 'eA==', 'encoding': 'base64', 'more': 1}":  map[string]any{"data": "eA==", "encoding": "base64", "more": 1},
	"datetime.datetime(2020, 2, 29, 12, 30, 15, 250000)": time.Date(2020, 2, 29, 12, 30, 15, 250000000, codec.Naive),
	"datetime.date(2020, 2, 29)":                         codec.Date{Year: 2020, Month: 2, Day: 29},
	"datetime.time(12, 30)":                              codec.TimeOfDay{Hour: 12, Minute: 30},
	"datetime.timedelta(days=1, seconds=1.5)":            24*time.Hour + 1500*time.Millisecond,
	"decimal.Decimal('1.10')":                            codec.Decimal("1.10"),
	"uuid.UUID('9613299a-464e-45c8-98ca-39ebc337e3fc')":  uuid.MustParse("9613299a-464e-45c8-98ca-39ebc337e3fc"),
	"array.array('i', [1, 2])":                           codec.ArrayOf([]int32{1, 2}),
	"array.array('d', [1.5])":                            codec.ArrayOf([]float64{1.5}),
}

func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

func valueOfPython(expression string) (any, error) {
	value, ok := valuesOfPython[expression]
	if !ok {
		return nil, fmt.Errorf("no value here for %s", expression)
	}
	return value, nil
}

// failAs raises the exception of a kind, with the arguments.
func failAs(kind string, args ...any) error {
	classes := map[string]string{
		"value": "ValueError", "key": "KeyError", "file": "FileNotFoundError", "timeout": "TimeoutError", "naming": "NamingError",
	}
	return transport.NewError(classes[kind], args...)
}

func countTo(n int, closed *atomic.Int64) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer closed.Add(1)
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// headerOfCall is what the Python service's method context returns.
func headerOfCall(ctx context.Context) map[string]any {
	header := transport.FromContext(ctx).Header
	annotations := map[string]string{}
	for _, a := range header.Annotations {
		annotations[a.Key] = hex.EncodeToString(a.Value)
	}
	return map[string]any{
		"annotations":    annotations,
		"correlation_id": header.CorrelationID.String(),
		"seq":            header.Seq,
		"flags":          header.Flags,
		"serializer_id":  header.Serializer,
	}
}

// newCounter serves one more counter and returns it, which makes a proxy of it.
func newCounter(ctx context.Context) (*service.Service, error) {
	counter := service.Of(&tally{}).Named("counter_" + uuid.NewString())
	return counter, service.ServerFrom(ctx).Add(counter)
}
