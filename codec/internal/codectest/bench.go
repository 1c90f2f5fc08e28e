package codectest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
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

// samplePortfolio is a nested value of about one KiB.
func samplePortfolio() *portfolio {
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

// BenchEncode writes a value of about one KiB, for comparison also as encoding/json does.
func BenchEncode(b *testing.B, c codec.Codec) {
	b.Helper()
	p := samplePortfolio()
	data, err := c.Append(nil, p, nil)
	require.NoError(b, err)
	b.Run(c.Name(), func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			buf, _ = c.Append(buf[:0], p, nil)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			_, _ = json.Marshal(p)
		}
	})
}

// BenchDecodeTyped reads the value of BenchEncode into its type.
func BenchDecodeTyped(b *testing.B, c codec.Codec) {
	b.Helper()
	benchDecode(b, c, func() any { return new(portfolio) })
}

// BenchDecodeAny reads the value of BenchEncode into the generic tree.
func BenchDecodeAny(b *testing.B, c codec.Codec) {
	b.Helper()
	benchDecode(b, c, func() any { return new(any) })
}

func benchDecode(b *testing.B, c codec.Codec, dst func() any) {
	b.Helper()
	data, err := c.Append(nil, samplePortfolio(), nil)
	require.NoError(b, err)
	text, err := json.Marshal(samplePortfolio())
	require.NoError(b, err)
	run := func(name string, data []byte, unmarshal func(dst any) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := unmarshal(dst()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run(c.Name(), data, func(dst any) error { return c.Unmarshal(data, dst, nil) })
	run("encoding-json", text, func(dst any) error { return json.Unmarshal(text, dst) })
}

// oneString takes one positional argument.
type oneString struct{ s string }

func (o *oneString) Positional(int) (any, error) { return &o.s, nil }

func (*oneString) Keyword(name []byte) (any, error) {
	return nil, errors.New("no keyword " + string(name))
}

func (*oneString) None(bool) error { return nil }

// BenchSmallCall writes and reads a call with one short argument.
func BenchSmallCall(b *testing.B, c codec.Codec) {
	b.Helper()
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
