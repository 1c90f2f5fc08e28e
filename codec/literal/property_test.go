package literal_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// Parse gives back what String and Format print of every plain value.
func TestParseGivesBackWhatIsPrinted(t *testing.T) {
	values := value(4)
	rapid.Check(t, func(t *rapid.T) {
		v := values.Draw(t, "v")
		got, err := literal.Parse(literal.String(v))
		require.NoError(t, err)
		requireSame(t, v, got)
		width := rapid.IntRange(1, 100).Draw(t, "width")
		got, err = literal.Parse(string(literal.Format(nil, v, width)))
		require.NoError(t, err)
		requireSame(t, v, got)
	})
}

func value(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return rapid.OneOf(key(0), other())
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) })
	return rapid.OneOf(
		key(depth),
		other(),
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(items []any) any { return items }),
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(items []any) any { return codec.Tuple(items) }),
		rapid.Map(rapid.SliceOfN(key(depth-1), 0, 5), func(items []any) any { return codec.NewSet(items...) }),
		rapid.Custom(func(t *rapid.T) any {
			d := &codec.Dict{}
			for range rapid.IntRange(0, 5).Draw(t, "n") {
				d.Set(key(depth-1).Draw(t, "key"), inner.Draw(t, "value"))
			}
			return d
		}),
	)
}

// key draws what can be a key.
func key(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just(any(nil)),
		rapid.Map(rapid.Bool(), func(v bool) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return v }),
		rapid.Custom(bigInts),
		rapid.Map(floats(), func(v float64) any { return v }),
		rapid.Custom(func(t *rapid.T) any { return complex(floats().Draw(t, "re"), floats().Draw(t, "im")) }),
		rapid.Map(rapid.String(), func(v string) any { return v }),
		rapid.Map(rapid.StringOf(rapid.RuneFrom([]rune("'\"\\\n\r\t\x00\x7f\u0085\u00a0\u2028\ufeff\U000e0001{}[](),: é"))), func(v string) any { return v }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(v []byte) any { return v }),
		rapid.Custom(func(t *rapid.T) any {
			return codec.DateOf(time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "s"), 0).UTC())
		}),
		rapid.Custom(func(t *rapid.T) any {
			return time.Duration(rapid.Int64Range(math.MinInt64/1000, math.MaxInt64/1000).Draw(t, "us")) * time.Microsecond
		}),
		rapid.Map(rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?(E[+-][0-9]{1,3})?|-?Infinity|s?NaN`), func(s string) any { return codec.Decimal(s) }),
		rapid.Custom(func(t *rapid.T) any {
			var id uuid.UUID
			copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
			return id
		}),
		rapid.Just(any(codec.Global("builtins.Ellipsis"))),
	}
	if depth > 0 {
		inner := rapid.Deferred(func() *rapid.Generator[any] { return key(depth - 1) })
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(items []any) any { return codec.Tuple(items) }),
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(items []any) any { return codec.NewFrozenSet(items...) }),
		)
	}
	return rapid.OneOf(kinds...)
}

// other draws what holds nothing, but is no key, or is equal to others in Go where it is not in Python.
func other() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any {
			seconds := rapid.Int64Range(-62135510400, 253402214400).Draw(t, "s") // a day from the ends, for zones
			micros := rapid.Int64Range(0, 999999).Draw(t, "us")
			return time.Unix(seconds, micros*1000).In(zones().Draw(t, "zone"))
		}),
		rapid.Custom(func(t *rapid.T) any {
			c := codec.TimeOfDay{
				Hour:        rapid.IntRange(0, 23).Draw(t, "hour"),
				Minute:      rapid.IntRange(0, 59).Draw(t, "minute"),
				Second:      rapid.IntRange(0, 59).Draw(t, "second"),
				Microsecond: rapid.IntRange(0, 999999).Draw(t, "us"),
				Zone:        zones().Draw(t, "zone"),
				Fold:        rapid.Bool().Draw(t, "fold"),
			}
			if c.Zone == codec.Naive {
				c.Zone = nil
			}
			return c
		}),
		rapid.Map(rapid.SliceOf(rapid.Int16()), func(v []int16) any { return codec.ArrayOf(v) }),
		rapid.Map(rapid.SliceOf(rapid.Uint64()), func(v []uint64) any { return codec.ArrayOf(v) }),
		rapid.Map(rapid.SliceOf(rapid.Float32()), func(v []float32) any { return codec.ArrayOf(v) }),
		rapid.Map(rapid.SliceOf(floats()), func(v []float64) any { return codec.ArrayOf(v) }),
		rapid.Map(rapid.String(), func(v string) any { return codec.Array{Code: 'w', Values: v} }),
	)
}

func bigInts(t *rapid.T) any {
	n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 9, 40).Draw(t, "magnitude"))
	n.SetBit(n, 70, 1)
	if rapid.Bool().Draw(t, "negative") {
		n.Neg(n)
	}
	return n
}

func floats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, 1e15, 1e16, 1e22, 1e-4, 1e-5, 5e-324, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
		}),
		rapid.Map(rapid.Uint64(), math.Float64frombits),
	)
}

// zones draws what time zones there are: none, by offset, by offset and name, with rules.
func zones() *rapid.Generator[*time.Location] {
	zones := []*time.Location{codec.Naive, time.UTC, time.FixedZone("", 3600), time.FixedZone("", -86399), time.FixedZone("it's", -5400)}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		if zone, err := time.LoadLocation(name); err == nil {
			zones = append(zones, zone)
		}
	}
	return rapid.SampledFrom(zones)
}
