package msgpack

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata" // the test needs some zones, whatever the system has

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

const isoMicro = "2006-01-02T15:04:05.999999"

// What Python's datetime.timestamp gives for naive times in a zone, and what fromtimestamp makes of that.
func TestNaiveTimes(t *testing.T) {
	for _, tt := range []struct {
		zone, in string
		seconds  float64
		reads    string
	}{
		{"UTC", "2020-02-29T13:14:15.000678", 1582982055.000678, "2020-02-29T13:14:15.000678"},
		{"Europe/Amsterdam", "2021-07-01T12:00:00", 1625133600.0, "2021-07-01T12:00:00"},
		{"Europe/Amsterdam", "2021-01-01T12:00:00", 1609498800.0, "2021-01-01T12:00:00"},
		{"Europe/Amsterdam", "2021-03-28T02:30:00", 1616895000.0, "2021-03-28T03:30:00"},     // passed over
		{"Europe/Amsterdam", "2021-10-31T02:30:00.5", 1635640200.5, "2021-10-31T02:30:00.5"}, // shown twice
		{"Europe/Amsterdam", "2021-10-31T03:00:00", 1635645600.0, "2021-10-31T03:00:00"},
		{"Europe/Amsterdam", "1900-01-01T00:00:00", -2208989972.0, "1900-01-01T00:00:00"}, // before there were zones
		{"America/New_York", "2021-11-07T01:59:59", 1636264799.0, "2021-11-07T01:59:59"},
		{"America/New_York", "1969-12-31T18:59:59.5", -0.5, "1969-12-31T18:59:59.5"},
		{"Australia/Lord_Howe", "2021-04-04T01:45:00", 1617461100.0, "2021-04-04T01:45:00"}, // by half an hour
		{"Pacific/Apia", "2011-12-30T12:00:00", 1325282400.0, "2011-12-31T12:00:00"},        // a day that was not
	} {
		t.Run(tt.zone+" "+tt.in, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			require.NoError(t, err)
			in, err := time.ParseInLocation(isoMicro, tt.in, codec.Naive)
			require.NoError(t, err)
			seconds, ok := epochOf(in, loc)
			require.True(t, ok)
			require.Equal(t, math.Float64bits(tt.seconds), math.Float64bits(seconds))
			out, ok := naiveOf(seconds, loc)
			require.True(t, ok)
			require.Same(t, codec.Naive, out.Location())
			require.Equal(t, tt.reads, out.Format(isoMicro))
		})
	}
}

func TestNaiveTimesAreRounded(t *testing.T) {
	for seconds, want := range map[float64]string{
		0.0000005: "1970-01-01T00:00:00", 0.0000015: "1970-01-01T00:00:00.000002", -0.0000005: "1970-01-01T00:00:00",
		1.9999999: "1970-01-01T00:00:02", -0.5: "1969-12-31T23:59:59.5", 253402300799: "9999-12-31T23:59:59",
		-62135596800 + 86400: "0001-01-02T00:00:00",
	} {
		got, ok := naiveOf(seconds, time.UTC)
		require.True(t, ok, seconds)
		require.Equal(t, want, got.Format(isoMicro))
	}
	for _, seconds := range []float64{
		-62135596800, 253402300800, 253402300799.9999999, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 1 << 39,
	} {
		_, ok := naiveOf(seconds, time.UTC)
		require.False(t, ok, seconds)
	}
	for _, in := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, codec.Naive), time.Date(0, 1, 1, 0, 0, 0, 0, codec.Naive), time.Date(10000, 1, 1, 0, 0, 0, 0, codec.Naive),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, codec.Naive), // more exact than a float64 is then
		time.Unix(math.MinInt64, 0).In(codec.Naive), time.Unix(math.MaxInt64, 0).In(codec.Naive),
	} {
		_, ok := epochOf(in, time.UTC)
		require.False(t, ok, in)
	}
}

func TestDates(t *testing.T) {
	for n, want := range map[int64]codec.Date{
		1: {Year: 1, Month: 1, Day: 1}, 719163: {Year: 1970, Month: 1, Day: 1}, 737484: {Year: 2020, Month: 2, Day: 29},
		719162: {Year: 1969, Month: 12, Day: 31}, 3652059: {Year: 9999, Month: 12, Day: 31},
	} {
		body := make([]byte, 8)
		for i := range body {
			body[i] = byte(n >> (8 * i))
		}
		for _, b := range [][]byte{body, body[:4]} {
			got, ok := dateOf(b)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
		require.Equal(t, n, ordinalOf(want))
	}
	for _, body := range []string{
		"", "\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x1c\xba\x37\x00", "\x01\x00\x00\x00\x01\x00\x00\x00", "\x01\x00", "\x01\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		_, ok := dateOf([]byte(body))
		require.False(t, ok, "%q", body)
	}
}
