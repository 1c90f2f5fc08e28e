package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"
)

func (r *reader) int32() error {
	n, err := r.number(4)
	if err != nil {
		return err
	}
	return r.push(value{kind: kindInt, n: uint64(int64(int32(n)))}) //nolint:gosec // two's complement
}

func (r *reader) uint(size int) error {
	n, err := r.number(size)
	if err != nil {
		return err
	}
	return r.push(value{kind: kindInt, n: n})
}

func (r *reader) float64() error {
	b, err := r.take(8)
	if err != nil {
		return err
	}
	return r.push(value{kind: kindFloat, n: binary.BigEndian.Uint64(b)})
}

// intLine reads INT: decimal digits, or 00 and 01 for False and True.
func (r *reader) intLine() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	switch string(b) {
	case "00":
		return r.push(value{kind: kindBool})
	case "01":
		return r.push(value{kind: kindBool, n: 1})
	}
	return r.pushDigits(b)
}

func (r *reader) longLine() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	if n := len(b); n > 0 && b[n-1] == 'L' {
		b = b[:n-1]
	}
	return r.pushDigits(b)
}

// pushDigits pushes the int that digits spell. As in Python, there may be 4300 of them.
func (r *reader) pushDigits(digits []byte) error {
	const most = 4300
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return r.push(value{kind: kindInt, n: uint64(n)}) //nolint:gosec // two's complement
	}
	if len(digits) > most+1 {
		return r.fail("an int of more than 4300 digits")
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return r.fail("invalid int")
	}
	return r.pushExtra(kindLong, &extra{raw: twosComplement(n)})
}

func (r *reader) floatLine() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !math.IsInf(f, 0) {
		return r.fail("could not convert text to float")
	}
	return r.push(value{kind: kindFloat, n: math.Float64bits(f)})
}

// intOf returns the int of a kindLong.
func (r *reader) intOf(v value) *big.Int {
	mag := slices.Clone(r.bytesOf(v))
	slices.Reverse(mag)
	n := new(big.Int).SetBytes(mag)
	if len(mag) > 0 && mag[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(mag))))
	}
	return n
}

// twosComplement returns n in as few bytes as hold it, the least first.
func twosComplement(n *big.Int) []byte {
	if n.Sign() == 0 {
		return nil
	}
	size := n.BitLen()/8 + 1
	b := make([]byte, size)
	if n.Sign() > 0 {
		n.FillBytes(b)
	} else {
		m := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
		m.Add(m, n).FillBytes(b)
	}
	slices.Reverse(b)
	if size > 1 && n.Sign() < 0 && b[size-1] == 0xff && b[size-2] >= 0x80 { // -128 and its like
		b = b[:size-1]
	}
	return b
}

// stringLine reads STRING: a literal in quotes, as Python 2's repr writes a str.
func (r *reader) stringLine() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	n := len(b)
	if n < 2 || b[0] != b[n-1] || b[0] != '\'' && b[0] != '"' {
		return r.fail("the STRING opcode argument must be quoted")
	}
	raw, ok := unescapeBytes(b[1 : n-1])
	if !ok {
		return r.fail("invalid escape in a STRING")
	}
	return r.pushExtra(kindByteText, &extra{raw: raw})
}

var byteEscapes = [256]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// unescapeBytes carries out the escapes of a bytes literal.
func unescapeBytes(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if b[0] != '\\' {
			out, b = append(out, b[0]), b[1:]
			continue
		}
		if len(b) < 2 {
			return nil, false
		}
		c := b[1]
		switch {
		case byteEscapes[c] != 0:
			out, b = append(out, byteEscapes[c]), b[2:]
		case c == 'x':
			n, ok := hexNumber(b[2:], 2)
			if !ok {
				return nil, false
			}
			out, b = append(out, byte(n)), b[4:] //nolint:gosec // of two digits
		case c >= '0' && c <= '7':
			n, size := octalNumber(b[1:])
			out, b = append(out, n), b[1+size:]
		default: // an unknown escape stays as it is
			out, b = append(out, b[0], c), b[2:]
		}
	}
	return out, true
}

func hexNumber(b []byte, digits int) (uint32, bool) {
	if len(b) < digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:digits]), 16, 32)
	return uint32(n), err == nil
}

func octalNumber(b []byte) (n byte, size int) {
	for size < len(b) && size < 3 && b[size] >= '0' && b[size] <= '7' {
		n = n<<3 | (b[size] - '0')
		size++
	}
	return n, size
}

// unicodeLine reads UNICODE: Latin-1 with escapes \uNNNN and \UNNNNNNNN, other backslashes as they are.
func (r *reader) unicodeLine() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if b[0] != '\\' || len(b) < 2 || b[1] != 'u' && b[1] != 'U' {
			if b[0] == '\\' && len(b) > 1 { // the next one begins no escape, whatever it is
				out, b = append(out, '\\'), b[1:]
			}
			out, b = utf8.AppendRune(out, rune(b[0])), b[1:]
			continue
		}
		digits := 4
		if b[1] == 'U' {
			digits = 8
		}
		n, ok := hexNumber(b[2:], digits)
		if !ok || n > utf8.MaxRune {
			return r.fail("invalid escape in a UNICODE")
		}
		out, b = appendChar(out, rune(n)), b[2+digits:]
	}
	return r.pushExtra(kindText, &extra{raw: out})
}

// appendChar appends c, a lone surrogate as the three bytes that UTF-8 would have for it.
func appendChar(b []byte, c rune) []byte {
	if c >= 0xd800 && c < 0xe000 {
		return append(b, 0xed, 0x80|byte(c>>6&0x3f), 0x80|byte(c&0x3f))
	}
	return utf8.AppendRune(b, c)
}

// validText reports whether b is UTF-8, lone surrogates included.
func validText(b []byte) bool {
	for !utf8.Valid(b) {
		i := 0
		for i < len(b) {
			c, n := utf8.DecodeRune(b[i:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		b = b[i:]
		if len(b) < 3 || b[0] != 0xed || b[1]&0xe0 != 0xa0 || b[2]&0xc0 != 0x80 {
			return false
		}
		b = b[3:]
	}
	return true
}

// latin1 returns the bytes whose values are the characters of b, as str.encode("latin1") does.
func latin1(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c < utf8.RuneSelf:
			out = append(out, c)
		case c&0xfc == 0xc0 && i+1 < len(b): // two bytes, up to U+00FF
			out = append(out, c<<6|b[i+1]&0x3f)
			i++
		default:
			return nil, false
		}
	}
	return out, true
}
