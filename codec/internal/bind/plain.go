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

// special tells whether one of the eight bytes of w is a control, not ASCII, a backslash, q or r.
func special(w uint64, q, r byte) bool {
	control := (w - ones*0x20) &^ w & highs
	return control|equals(w, '\\')|equals(w, q)|equals(w, r)|w&highs != 0
}

// Plain returns the length of a part at the beginning of b, a multiple of eight, that holds only
// printable ASCII characters (and DEL) but neither a backslash nor the quotes q and r. It looks at
// eight bytes at a time.
func Plain(b []byte, q, r byte) int {
	i := 0
	for i+8 <= len(b) && !special(binary.LittleEndian.Uint64(b[i:]), q, r) {
		i += 8
	}
	return i
}

// PlainString is Plain for a string.
func PlainString(s string, q, r byte) int {
	i := 0
	for i+8 <= len(s) && !special(load64(s[i:i+8]), q, r) {
		i += 8
	}
	return i
}

func load64(s string) uint64 { // the compiler makes one load of it
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
