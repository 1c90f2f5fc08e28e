package bind

import "encoding/binary"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// equals has the high bit set in the lowest byte of w that is c, and maybe in bytes above it.
func equals(w uint64, c byte) uint64 {
	x := w ^ ones*uint64(c)
	return (x - ones) &^ x & highs
}

// Plain returns the length of a part at the beginning of s, a multiple of eight, that holds only
// printable ASCII characters but neither a backslash nor the quotes q and r. It looks at eight bytes
// at a time.
func Plain[T ~string | ~[]byte](s T, q, r byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64([]byte(s[i : i+8]))
		control := (w - ones*0x20) &^ w & highs
		if control|equals(w, '\\')|equals(w, q)|equals(w, r)|w&highs != 0 {
			break
		}
	}
	return i
}
