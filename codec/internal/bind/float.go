package bind

import (
	"math"
	"slices"
	"strconv"
)

// AppendFloat appends a finite f as Python's repr does: the fewest digits that are read back as f
// with the given bits, always with a point or an exponent.
func AppendFloat(b []byte, f float64, bits int) []byte {
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	}
	if abs < 1e15 && f == math.Trunc(f) {
		if f == 0 && math.Signbit(f) {
			b = append(b, '-')
		}
		return append(strconv.AppendInt(b, int64(f), 10), ".0"...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, bits)
	if slices.Contains(b[start:], '.') {
		return b
	}
	return append(b, ".0"...)
}
