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
	text, err := json.Marshal(p)
	require.NoError(b, err)
	buf := make([]byte, 0, len(data))
	benchRun(b, c.Name(), len(data), func() error {
		_, err := c.Append(buf, p, nil)
		return err
	})
	benchRun(b, "encoding-json", len(text), func() error {
		_, err := json.Marshal(p)
		return err
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
	benchRun(b, c.Name(), len(data), func() error { return c.Unmarshal(data, dst(), nil) })
	benchRun(b, "encoding-json", len(text), func() error { return json.Unmarshal(text, dst()) })
}

// BenchBytes writes and reads one MiB of bytes: into a []byte and an any, with copies and, as "shared",
// with Options.ShareInput. MB/s count the bytes themselves, not what a serializer makes of them.
// A serializer that has no bytes is left out.
func BenchBytes(b *testing.B, c codec.Codec) {
	b.Helper()
	const size = 1 << 20
	blob := make([]byte, size)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	text, err := json.Marshal(blob)
	require.NoError(b, err)
	benchRun(b, "encode/encoding-json", size, func() error {
		_, err := json.Marshal(blob)
		return err
	})
	benchRun(b, "decode/encoding-json", size, func() error { return json.Unmarshal(text, new([]byte)) })
	data, err := c.Append(nil, blob, nil)
	if err != nil {
		b.Log(err)
		return
	}
	buf := make([]byte, 0, len(data))
	benchRun(b, "encode/"+c.Name(), size, func() error {
		_, err := c.Append(buf, blob, nil)
		return err
	})
	for _, way := range []struct {
		name string
		o    *codec.Options
	}{{"", nil}, {"-shared", &codec.Options{ShareInput: true}}} {
		benchRun(b, "decode"+way.name+"/"+c.Name(), size, func() error { return c.Unmarshal(data, new([]byte), way.o) })
		benchRun(b, "decode-any"+way.name+"/"+c.Name(), size, func() error { return c.Unmarshal(data, new(any), way.o) })
	}
}

// benchRun measures work, which deals with a number of bytes each time.
func benchRun(b *testing.B, name string, size int, work func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(size))
		for b.Loop() {
			if err := work(); err != nil {
				b.Fatal(err)
			}
		}
	})
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
