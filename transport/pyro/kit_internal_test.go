package pyro

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

func TestWhomWeRecognise(t *testing.T) {
	tests := map[string]struct {
		hello []byte
		want  features
	}{
		"our own":                      {kitHello(ownFeatures), ownFeatures},
		"one that can do less":         {[]byte{1, 0, 1}, featureOrder},
		"one that can do nothing":      {[]byte{1, 0, 0}, 0},
		"a later one that can do more": {[]byte{9, 0xff, 0xff, 'm', 'o', 'r', 'e'}, ownFeatures},
		"nobody":                       {nil, 0},
		"too short":                    {[]byte{1, 0}, 0},
		"version 0":                    {[]byte{0, 0xff, 0xff}, 0},
		"too long":                     {append([]byte{1, 0, 7}, make([]byte, 125)...), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, recognised(tt.hello)) })
	}
}

func TestFieldsOfTheAnnotation(t *testing.T) {
	tests := map[string]struct {
		hex  string
		want kitFields
		bad  bool
	}{
		"nothing":           {},
		"a deadline":        {hex: "0108000000003b9aca00", want: kitFields{timed: true, remaining: time.Second}},
		"one that is over":  {hex: "0108ffffffffffffffff", want: kitFields{timed: true, remaining: -1}},
		"a cancelled call":  {hex: "02021234", want: kitFields{cancels: true, cancelled: 0x1234}},
		"room for items":    {hex: "03080000001000020000", want: kitFields{credits: true, items: 16, bytes: 1 << 17}},
		"room for more":     {hex: "040a000300000018ffffffff", want: kitFields{more: true, pour: 3, items: 24, bytes: 1<<32 - 1}},
		"a kind of refusal": {hex: "050110", want: kitFields{code: transport.CodeUnauthenticated}},
		"a goodbye":         {hex: "06080000000100000002", want: kitFields{leaves: true, taken: 1<<32 + 2}},
		"a short goodbye":   {hex: "060400000002", bad: true},
		"a long kind":       {hex: "05020010", bad: true},
		"short credit":      {hex: "030400000010", bad: true},
		"short room":        {hex: "0408000300000018ffff", bad: true},
		"unknown fields":    {hex: "7f00" + "02020007" + "ff03616263", want: kitFields{cancels: true, cancelled: 7}},
		"the last counts":   {hex: "02020007" + "02020008", want: kitFields{cancels: true, cancelled: 8}},
		"no length":         {hex: "01", bad: true},
		"cut short":         {hex: "010800000000", bad: true},
		"a short deadline":  {hex: "010400000000", bad: true},
		"a long number":     {hex: "0203000001", bad: true},
		"more than 127":     {hex: "7f7e" + hex.EncodeToString(make([]byte, 126)), bad: true},
		"127 are no matter": {hex: "7f7d" + hex.EncodeToString(make([]byte, 125))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.hex)
			require.NoError(t, err)
			got, err := parseKit(b)
			require.Equal(t, tt.bad, err != nil)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTheKindOfARefusal(t *testing.T) {
	for hello, want := range map[string]transport.Code{
		"\x05\x01\x08": transport.CodeResourceExhausted,
		"\x05\x01\x11": 0, // none that there is
		"\x05\x01":     0,
		"":             0,
	} {
		require.Equal(t, want, refusalCode([]byte(hello)), "%x", hello)
	}
}

// The messages as docs/protocol.md shows them.
func TestMessagesOnTheWire(t *testing.T) {
	for dialect, want := range map[codec.Dialect]string{
		codec.Pyro4: "5059524f0030000600000000000000000000000a000035" + "29" + "504b495400040202002a",
		codec.Pyro5: "5059524f01f606000000000000000000" + "0000000c" + "00000000000000000000000000000000" + "00004dc5" + "504b49540000000402020" + "02a",
	} {
		got, err := appendCancel(nil, &wireOptions{dialect: dialect}, 42)
		require.NoError(t, err)
		require.Equal(t, want, hex.EncodeToString(got), dialect)
	}
	got, err := appendMore(nil, &wireOptions{dialect: codec.Pyro5}, 3, 24, 536)
	require.NoError(t, err)
	require.Equal(t, "5059524f01f6060000000000"+"0000000000000014"+"00000000000000000000000000000000"+"00004dc5"+
		"504b49540000000c040a00030000001800000218", hex.EncodeToString(got))
	got, err = newGoodbye(&wireOptions{dialect: codec.Pyro5}, 3)
	require.NoError(t, err)
	require.Equal(t, "5059524f01f60600000000000000000000000012"+"00000000000000000000000000000000"+"00004dc5"+
		"504b49540000000a06080000000000000003", hex.EncodeToString(got))
	w := beginFrame(nil, &wireOptions{dialect: codec.Pyro5})
	w.annotateCredit(firstWindow, windowBytes)
	require.Equal(t, "504b49540000000a03080000001000020000", hex.EncodeToString(w.buf[w.body:]))
	w = beginFrame(nil, &wireOptions{dialect: codec.Pyro5})
	w.annotateDeadline(time.Now().Add(time.Hour))
	require.True(t, bytes.HasPrefix(w.buf[w.body:], []byte("PKIT\x00\x00\x00\x0a\x01\x08\x00\x00")))
}

func FuzzKitFields(f *testing.F) {
	f.Add([]byte{1, 8, 0, 0, 0, 0, 0x3b, 0x9a, 0xca, 0})
	f.Add([]byte{2, 2, 0x12, 0x34, 0x7f, 0})
	f.Add([]byte{6, 8, 0, 0, 0, 0, 0, 0, 0, 3, 6, 7, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKit(b)
		if err != nil {
			require.Equal(t, kitFields{}, k)
		}
		require.Zero(t, recognised(b)&^ownFeatures)
		p := &pour{}
		p.changed.L = &p.mu
		for range 3 {
			p.grant(k.items, k.bytes)
		}
		require.LessOrEqual(t, p.items, int64(3)*int64(k.items))
		require.GreaterOrEqual(t, p.items, int64(0))
	})
}
