package msgpack_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

// moments are the values of the vectors that have types of their own in Go. Those that are naive were made
// where clocks show UTC.
var moments = map[string]any{
	"datetime":         time.Date(2020, 2, 29, 13, 14, 15, 0, codec.Naive),
	"datetime micro":   time.Date(2020, 2, 29, 13, 14, 15, 678000, codec.Naive),
	"datetime year 1":  time.Date(1970, 1, 1, 0, 0, 0, 0, codec.Naive),
	"date":             codec.Date{Year: 2020, Month: 2, Day: 29},
	"ext datetime":     time.Date(1970, 1, 2, 0, 0, 0, 500000000, codec.Naive),
	"ext date":         codec.Date{Year: 2020, Month: 2, Day: 29},
	"ext date 4 bytes": codec.Date{Year: 2020, Month: 2, Day: 29}, // which Python reads where a long has 4 bytes
	"ext timestamp 32": time.Unix(1, 0).UTC(),
	"ext timestamp 64": time.Unix(7, 5).UTC(),
	"ext timestamp 96": time.Unix(-5, 7).UTC(),
}

// otherwise are Python types that Go has no like of, or that have another form here.
var otherwise = map[string]bool{
	"frozenset empty": true, "frozenset": true, "dict frozenset key": true, // arrays here
	"datetime utc": true, "datetime offset": true, "time": true, "timedelta": true, "timedelta negative": true, // text and floats here
	"enum int": true, "enum str": true, "enum Flag": true, "OrderedDict": true, "deque": true, "UserDict": true,
	"UserList": true, "UserString": true, "dict keys": true, "dict items": true, "instance getstate dict": true,
	"instance getstate tuple": true, "object()": true, "range": true, "fraction": true, "int subclass": true, "str subclass": true,
	"instance": true, "instance in list": true, // Pyro4 loses the class
}

// inUTC has the clocks of this process show what those showed where the vectors were made.
func inUTC(t *testing.T) {
	t.Helper()
	inZone(t, time.UTC)
}

// inZone moves this process to loc.
func inZone(t *testing.T, loc *time.Location) {
	t.Helper()
	local := time.Local                      //nolint:gosmopolitan // what naive times depend on
	time.Local = loc                         //nolint:gosmopolitan // as above
	t.Cleanup(func() { time.Local = local }) //nolint:gosmopolitan // as above
}

// timed puts moments in the place of what the vectors describe.
func timed(all []vectors.Vector) []vectors.Vector {
	for i, v := range all {
		if m, ok := moments[v.Name]; ok {
			all[i].Value, all[i].Reads = m, m
		}
	}
	return all
}

func TestEncodeVectors(t *testing.T) {
	inUTC(t)
	all := timed(vectors.Codec(t, "msgpack"))
	// Python writes what it does not read; we only if we are told to.
	codectest.EncodeVectors(t, lenient{msgpack.Codec}, all, otherwise, func(t *testing.T, v vectors.Vector, got []byte) {
		require.Equal(t, v.Bytes, got)
		strictly, err := msgpack.Marshal(v.Value)
		if v.DecodeError == "builtins.ValueError" {
			require.ErrorContains(t, err, "Options.Lenient")
			return
		}
		require.NoError(t, err)
		require.Equal(t, v.Bytes, strictly)
	})
}

func TestDecodeVectors(t *testing.T) {
	inUTC(t)
	codectest.EachMessage(t, timed(vectors.Codec(t, "msgpack")), func(t *testing.T, v vectors.Vector) {
		checkDecode(t, v.Bytes, v.Reads, v.DecodeError)
	})
}

func TestAcceptVectors(t *testing.T) {
	inUTC(t)
	for _, v := range timed(vectors.Accept(t, "msgpack")) {
		t.Run(v.Name, func(t *testing.T) {
			if v.Name == "ext date 4 bytes" {
				v.DecodeError = ""
			}
			checkDecode(t, v.Bytes, v.Value, v.DecodeError)
		})
	}
}

func checkDecode(t *testing.T, data []byte, want any, wantErr string) {
	t.Helper()
	o := &codec.Options{MaxDepth: 1024}
	if vectors.Has(want, "vectors.Unknown:{deep}") { // cut in the file
		require.NoError(t, msgpack.Codec.Unmarshal(data, new(any), o))
		return
	}
	codectest.RequireReads(t, msgpack.Codec, o, data, want, wantErr)
}

// The forms in which Python reads an int from extension 0x31, and those that it refuses.
func TestLongInts(t *testing.T) {
	huge := new(big.Int).Exp(big.NewInt(10), big.NewInt(4299), nil)
	digits := huge.String()
	for _, tt := range []struct {
		text string
		want any
	}{
		{" 12\t\n", int64(12)},
		{"1_000", int64(1000)},
		{"+5", int64(5)},
		{"-5", int64(-5)},
		{"007", int64(7)},
		{"-0", int64(0)},
		{"-9223372036854775808", int64(-1 << 63)},
		{"9223372036854775808", new(big.Int).SetUint64(1 << 63)},
		{digits, huge},
		{"-" + digits, new(big.Int).Neg(huge)},
		{"-1_2345678901234567890", bigInt("-12345678901234567890")},
	} {
		var v any
		require.NoError(t, msgpack.Unmarshal(ext(0x31, []byte(tt.text)), &v), "%.20q", tt.text)
		require.Equal(t, vectors.Text(tt.want), vectors.Text(v))
	}
	for _, text := range []string{
		"", " ", "-", "+", "- 5", "1__0", "_1", "1_", "+-5", "0x10", "1\x00", "\x1c7", "\u00a05", "1.0", "1/3", digits + "0", "0" + digits,
	} {
		var v any
		var syntax *codec.SyntaxError
		require.ErrorAs(t, msgpack.Unmarshal(ext(0x31, []byte(text)), &v), &syntax, "%.20q", text)
	}
	data, err := msgpack.Marshal(huge.Neg(huge))
	require.NoError(t, err)
	require.Equal(t, ext(0x31, []byte("-"+digits)), data)
	_, err = msgpack.Marshal(huge.Mul(huge, big.NewInt(10)))
	require.ErrorContains(t, err, "4300 digits")
	_, err = msgpack.Marshal(new(big.Int).Lsh(big.NewInt(1), 1<<20))
	require.ErrorContains(t, err, "4300 digits")
}

func bigInt(digits string) *big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

// ext returns an extension with the smallest head that Python would give it.
func ext(typ byte, body []byte) []byte {
	var b []byte
	switch n := len(body); {
	case n == 1 || n == 2 || n == 4 || n == 8 || n == 16:
		b = []byte{map[int]byte{1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}[n], typ}
	case n < 256:
		b = []byte{0xc7, byte(n), typ}
	default:
		b = []byte{0xc8, byte(n >> 8), byte(n), typ}
	}
	return append(b, body...)
}
