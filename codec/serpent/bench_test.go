package serpent_test

import (
	stdjson "encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

type position struct {
	Symbol   string   `json:"symbol"`
	Quantity int      `json:"quantity"`
	Price    float64  `json:"price"`
	Tags     []string `json:"tags"`
	Closed   bool     `json:"closed"`
}

type portfolio struct {
	Owner     string            `json:"owner"`
	ID        int64             `json:"id"`
	Balance   float64           `json:"balance"`
	Positions []position        `json:"positions"`
	Limits    map[string]string `json:"limits"`
	Note      *string           `json:"note"`
}

// sample is a nested value of about one KiB.
func sample() *portfolio {
	note := "reviewed quarterly; see the agreement of 2021 for the fees that apply to transfers"
	p := &portfolio{
		Owner: "Irmen de Jong", ID: 1234567890123, Balance: 10423.75, Note: &note,
		Limits: map[string]string{"daily": "1000.00", "monthly": "20000.00", "currency": "EUR", "region": "north-west"},
	}
	for i, symbol := range []string{"ASML", "PHIA", "INGA", "HEIA", "ADYEN", "AKZA", "KPN"} {
		p.Positions = append(p.Positions, position{
			Symbol: symbol, Quantity: 100 + i*37, Price: 12.5 + float64(i)*3.25, Closed: i%2 == 0,
			Tags: []string{"equity", "amsterdam", "dividend"},
		})
	}
	return p
}

func BenchmarkEncode(b *testing.B) {
	p := sample()
	data, err := serpent.Marshal(p)
	require.NoError(b, err)
	b.Run("serpent", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			buf, _ = serpent.Append(buf[:0], p)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			_, _ = stdjson.Marshal(p)
		}
	})
}

func BenchmarkDecodeTyped(b *testing.B) {
	p := sample()
	data, err := serpent.Marshal(p)
	require.NoError(b, err)
	text, err := stdjson.Marshal(p)
	require.NoError(b, err)
	b.Run("serpent", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			var q portfolio
			if err := serpent.Unmarshal(data, &q); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var q portfolio
			if err := stdjson.Unmarshal(text, &q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeAny(b *testing.B) {
	p := sample()
	data, err := serpent.Marshal(p)
	require.NoError(b, err)
	text, err := stdjson.Marshal(p)
	require.NoError(b, err)
	b.Run("serpent", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			var q any
			if err := serpent.Unmarshal(data, &q); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var q any
			if err := stdjson.Unmarshal(text, &q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type oneString struct{ s string }

func (o *oneString) Positional(int) (any, error) { return &o.s, nil }
func (*oneString) Keyword([]byte) (any, error)   { return nil, nil }
func (*oneString) None(bool) error               { return nil }

func BenchmarkSmallCall(b *testing.B) {
	c := serpent.Codec
	args := []any{"hello world"}
	payload, err := c.AppendCall(nil, "obj_2f1c", "echo", args, false, nil, nil)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 256)
		for b.Loop() {
			buf, _ = c.AppendCall(buf[:0], "obj_2f1c", "echo", args, false, nil, nil)
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.OpenCall(payload, nil)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var sink oneString
		for b.Loop() {
			h, err := c.OpenCall(payload, nil)
			if err == nil {
				err = c.DecodeArgs(h, &sink, nil)
			}
			if err != nil || sink.s != "hello world" {
				b.Fatal(err, sink.s)
			}
		}
	})
}

var _ codec.ArgSink = (*oneString)(nil)

func BenchmarkBytes(b *testing.B) {
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	data, err := serpent.Marshal(blob)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		buf := make([]byte, 0, 2<<20)
		for b.Loop() {
			buf, _ = serpent.Append(buf[:0], blob)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out []byte
			if err := serpent.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode-any", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out any
			if err := serpent.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
