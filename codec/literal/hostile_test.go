package literal_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/literal"
)

// What was made to cost much takes memory and time in proportion to its size, and what is read of it
// can be printed.
func TestHostile(t *testing.T) {
	const size = 128 << 10
	many := func(unit string) string { return "[" + strings.Repeat(unit+",", size/(len(unit)+1)) + "]" }
	nested := func(opening, inner, closing string, n int) string {
		return strings.Repeat(opening, n) + inner + strings.Repeat(closing, n)
	}
	inputs := map[string]string{
		"brackets":                 strings.Repeat("[", size),
		"signs":                    strings.Repeat("-", size),
		"quotes":                   strings.Repeat("'", size),
		"joined strings":           strings.Repeat("''", size/2),
		"backslashes":              strings.Repeat(`'\`, size/2),
		"comments":                 strings.Repeat("#\n", size/2),
		"lines":                    strings.Repeat("\n", size) + "]",
		"blanks before signs":      many("1 + "),
		"digits":                   strings.Repeat("1", size),
		"hex digits":               "0x" + strings.Repeat("f", size),
		"a long name":              strings.Repeat("a", size),
		"a long call":              strings.Repeat("a.", size/2) + "(",
		"numbers":                  many("0"),
		"imaginary numbers":        many("0j"),
		"lists":                    many("[]"),
		"dicts":                    many("{}"),
		"sets":                     many("{0}"),
		"empty sets":               many("set()"),
		"frozensets":               many("frozenset()"),
		"calls":                    many("bytearray()"),
		"decimals":                 many("Decimal(1)"),
		"deltas":                   many("datetime.timedelta(1)"),
		"times":                    many("datetime.datetime(1,1,1)"),
		"zones":                    many("datetime.time(tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))"),
		"arrays":                   many("array('d')"),
		"ordered dicts":            many("OrderedDict([(1,2)])"),
		"many keys":                "{" + strings.Repeat("'':0,", size/5) + "}",
		"NaN keys":                 "{" + strings.Repeat("nan:0,", size/6) + "}",
		"frozensets of each other": many(nested("frozenset({", "", "})", 90)),
		"tuple keys":               "{" + nested("(", "", ",)", 190) + ":0}",
		"nested groups":            many(nested("(", "1", ")", 190)),
		"one deep list":            nested("[", strings.Repeat("0,", size/2), "]", 190),
	}
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			const limit = 5 * time.Second
			took := requireModest(t, in)
			for tries := 1; took > limit && tries < 3; tries++ { // the machine may have had something else to do
				took = requireModest(t, in)
			}
			require.Less(t, took, limit)
		})
	}
}

// requireModest reads in, and prints what it has read, without much memory, and returns how long that took.
func requireModest(t *testing.T, in string) time.Duration {
	t.Helper()
	const most, fixed = 256, 8 << 20
	begin := time.Now()
	var v any
	var err error
	require.Less(t, allocated(func() { v, err = literal.Parse(in) }), uint64(most*len(in)+fixed))
	if err != nil {
		requirePlace(t, in, err)
		require.Less(t, len(err.Error()), 300)
	} else {
		require.Less(t, allocated(func() { literal.Format(nil, v, 0) }), uint64(most*len(in)+fixed))
	}
	return time.Since(begin)
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
