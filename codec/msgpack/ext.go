package msgpack

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

const day = 24 * 60 * 60 // seconds

// epochOf returns the seconds since the epoch at which clocks in loc show the naive time t. If they show it
// twice it is the first time; if never, because they are put forward, it is as if they had not been yet.
// ok is false for times that Python could not read.
func epochOf(t time.Time, loc *time.Location) (seconds float64, ok bool) {
	t = t.Truncate(time.Microsecond)
	wall := t.Unix() // as if the clocks showed UTC
	shows := func(at int64) bool { return at+offsetAt(at, loc) == wall }
	at := wall - offsetAt(wall-day, loc)
	if after := wall - offsetAt(wall+day, loc); !shows(at) && shows(after) {
		at = after
	}
	seconds = float64(at) + float64(t.Nanosecond()/1000)/1e6
	_, ok = naiveOf(seconds, loc) // rounding may go beyond the last year
	return seconds, ok
}

// offsetAt returns how many seconds clocks in loc are ahead of UTC.
func offsetAt(unix int64, loc *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(loc).Zone()
	return int64(offset)
}

// isTime tells whether Python's datetime has the time and the one a day before, at which fromtimestamp
// looks too.
func isTime(unix int64, loc *time.Location) bool {
	return time.Unix(unix-day, 0).In(loc).Year() >= 1 && time.Unix(unix, 0).In(loc).Year() <= 9999
}

// naiveOf returns what clocks in loc show at the given seconds since the epoch, as Python's
// datetime.fromtimestamp does: rounded to microseconds, halves to even ones.
func naiveOf(seconds float64, loc *time.Location) (time.Time, bool) {
	const most = 1 << 40 // beyond the year 9999, and NaN is not below it either
	if !(math.Abs(seconds) < most) {
		return time.Time{}, false
	}
	whole, part := math.Modf(seconds)
	t := time.Unix(int64(whole), int64(math.RoundToEven(part*1e6))*1000).In(loc)
	if !isTime(t.Unix(), loc) {
		return time.Time{}, false
	}
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), codec.Naive), true
}

// timeOf reads a naive time.
func timeOf(body []byte) (time.Time, bool) {
	if len(body) != 8 {
		return time.Time{}, false
	}
	return naiveOf(floatAt(body), time.Local) //nolint:gosmopolitan // local time is what the extension is about
}

// epochDay is the number of the day 1970-01-01 where 0001-01-01 is 1.
const epochDay = 719163

func ordinalOf(d codec.Date) int64 { return d.In(time.UTC).Unix()/day + epochDay }

// dateOf reads the number of a day. On some systems a C long has 4 bytes.
func dateOf(body []byte) (codec.Date, bool) {
	var n int64
	switch len(body) {
	case 4:
		n = int64(int32(binary.LittleEndian.Uint32(body))) //nolint:gosec // two's complement
	case 8:
		n = int64(binary.LittleEndian.Uint64(body)) //nolint:gosec // two's complement
	}
	const last = 3652059 // 9999-12-31
	if n < 1 || n > last {
		return codec.Date{}, false
	}
	return codec.DateOf(time.Unix((n-epochDay)*day, 0).UTC()), true
}

// timestampOf reads a timestamp of msgpack, of the years that Python has.
func timestampOf(body []byte) (time.Time, bool) {
	var seconds, nanos int64
	switch len(body) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(body))
	case 8:
		u := binary.BigEndian.Uint64(body)
		seconds, nanos = int64(u&(1<<34-1)), int64(u>>34)
	case 12:
		seconds, nanos = int64(binary.BigEndian.Uint64(body[4:])), int64(binary.BigEndian.Uint32(body)) //nolint:gosec // two's complement
	default:
		return time.Time{}, false
	}
	const first, last = -62135596800, 253402300799 // of 0001-01-01 and 9999-12-31
	if nanos >= 1e9 || seconds < first || seconds > last {
		return time.Time{}, false
	}
	return time.Unix(seconds, nanos).UTC(), true
}

// floatAt returns the float at the beginning of an extension's body.
func floatAt(body []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(body)) }

// maxDigits is the number of digits that Python reads, leading zeros included.
const maxDigits = 4300

// intOf reads the digits of an int as Python's int does: with a sign, blanks around them, and single
// underscores between them. why is not empty if it fails.
func intOf(body []byte) (n int64, b *big.Int, why string) {
	text := strings.Trim(string(body), " \t\n\v\f\r")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) <= maxDigits {
		return n, nil, ""
	}
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == len(text) {
		digits = strings.TrimPrefix(text, "+")
	}
	if !validDigits(digits) {
		return 0, nil, "invalid digits of an int"
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if len(digits) > maxDigits {
		return 0, nil, "exceeds the limit of 4300 digits for an int"
	}
	b, _ = new(big.Int).SetString(digits, 10)
	if text[0] == '-' {
		b.Neg(b)
	}
	if b.IsInt64() {
		return b.Int64(), nil, ""
	}
	return 0, b, ""
}

// validDigits tells whether s is digits with single underscores between them.
func validDigits(s string) bool {
	digit := false // the last character was one
	for i := range len(s) {
		switch {
		case s[i] >= '0' && s[i] <= '9':
			digit = true
		case s[i] == '_' && digit:
			digit = false
		default:
			return false
		}
	}
	return digit
}
