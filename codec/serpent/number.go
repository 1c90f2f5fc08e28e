package serpent

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A number is an unsigned number as it is written; with kind Complex an imaginary one.
type number struct {
	kind bind.Kind // Int, Float or Complex
	i    int64
	big  *big.Int // the value of an Int that i cannot hold, else nil
	f    float64
}

// maxDigits is the number of decimal digits that Python reads.
const maxDigits = 4300

func isDigit(c byte) bool { return c-'0' <= 9 }

// number reads the number at pos, where a digit or a point stands.
func (s *reader) number() (number, error) {
	var n int64
	i := s.pos
	for i < len(s.data) && isDigit(s.data[i]) && i-s.pos < 18 {
		n = n*10 + int64(s.data[i]-'0')
		i++
	}
	if i == len(s.data) || ends[s.data[i]] { // a short decimal number, as nearly all are
		if s.data[s.pos] == '0' && n != 0 {
			return number{}, s.fail("leading zeros in a decimal number")
		}
		s.pos = i
		return number{kind: bind.Int, i: n}, nil
	}
	return s.longNumber()
}

// ends has the bytes that cannot be part of a number.
var ends = func() (t [256]bool) {
	for c := range t {
		t[c] = true
	}
	for _, c := range "._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = false
	}
	for c := 0x80; c < 256; c++ {
		t[c] = false
	}
	return t
}()

// longNumber reads a number of any form.
func (s *reader) longNumber() (number, error) {
	if s.data[s.pos] == '0' && s.pos+1 < len(s.data) {
		switch s.data[s.pos+1] | 0x20 {
		case 'x':
			return s.based(4)
		case 'o':
			return s.based(3)
		case 'b':
			return s.based(1)
		}
	}
	start := s.pos
	isInt := true
	if err := s.digits(s.data[s.pos] != '.'); err != nil {
		return number{}, err
	}
	if s.at('.') {
		isInt = false
		s.pos++
		if err := s.digits(s.pos-1 == start); err != nil {
			return number{}, err
		}
	}
	if s.at('e') || s.at('E') {
		isInt = false
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if err := s.digits(true); err != nil {
			return number{}, err
		}
	}
	end := s.pos
	imaginary := s.at('j') || s.at('J')
	if imaginary {
		s.pos++
	}
	if s.pos < len(s.data) && !ends[s.data[s.pos]] {
		return number{}, s.fail("invalid number")
	}
	text := digitText(s.data[start:end])
	if isInt && !imaginary {
		return s.decimal(text, start)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return number{}, s.failAt(start, "invalid number")
	}
	if imaginary {
		return number{kind: bind.Complex, f: f}, nil
	}
	return number{kind: bind.Float, f: f}, nil
}

func (s *reader) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

// digits passes over digits with single underscores between them.
func (s *reader) digits(needed bool) error {
	start := s.pos
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c == '_' && s.pos > start && s.pos+1 < len(s.data) && isDigit(s.data[s.pos+1]) {
			s.pos++
			c = s.data[s.pos]
		}
		if !isDigit(c) {
			break
		}
		s.pos++
	}
	if needed && s.pos == start {
		return s.fail("invalid number")
	}
	return nil
}

func digitText(b []byte) string {
	if t := string(b); strings.IndexByte(t, '_') < 0 {
		return t
	}
	return strings.ReplaceAll(string(b), "_", "")
}

func (s *reader) decimal(text string, start int) (number, error) {
	if len(text) > 1 && text[0] == '0' && strings.Trim(text, "0") != "" {
		return number{}, s.failAt(start, "leading zeros in a decimal number")
	}
	if len(text) > maxDigits && strings.Trim(text, "0") != "" {
		return number{}, s.failAt(start, "exceeds the limit of 4300 digits for an int")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return number{kind: bind.Int, i: n}, nil
	}
	b, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return number{}, s.failAt(start, "invalid number")
	}
	return number{kind: bind.Int, big: b}, nil
}

// based reads a number that begins with 0x, 0o or 0b, whose digits have a number of bits each.
func (s *reader) based(bits uint) (number, error) {
	start := s.pos
	s.pos += 2
	var digits []byte
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c == '_' && s.pos+1 < len(s.data) {
			s.pos++
			c = s.data[s.pos]
		}
		if digitValue(c) >= 1<<bits {
			break
		}
		digits = append(digits, byte(digitValue(c))) //nolint:gosec // at most 15
		s.pos++
	}
	if len(digits) == 0 || s.data[s.pos-1] == '_' || s.pos < len(s.data) && (!ends[s.data[s.pos]] || s.data[s.pos-1] == '_') {
		return number{}, s.failAt(start, "invalid number")
	}
	n := bigOf(digits, bits)
	if n.IsInt64() {
		return number{kind: bind.Int, i: n.Int64()}, nil
	}
	return number{kind: bind.Int, big: n}, nil
}

// bigOf returns the number that digits spell. big.Int's own way takes time with the square of their
// number if they have three bits.
func bigOf(digits []byte, bits uint) *big.Int {
	mag := make([]byte, (len(digits)*int(bits)+7)/8)
	at := len(mag) - 1
	var acc, have uint
	for _, d := range slices.Backward(digits) {
		acc |= uint(d) << have
		if have += bits; have >= 8 {
			mag[at] = byte(acc & 0xff)
			acc >>= 8
			have -= 8
			at--
		}
	}
	if have > 0 {
		mag[at] = byte(acc)
	}
	return new(big.Int).SetBytes(mag)
}

func digitValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 99
}
