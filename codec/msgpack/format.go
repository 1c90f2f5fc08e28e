package msgpack

import "github.com/pyrokit/pyrokit/codec/internal/bind"

// The first bytes of values (msgpack specification, "Formats"). In those that stand for a range, the low
// bits hold a length or the number itself. After those of a group the lengths, or numbers, have 1, 2, 4 and
// 8 bytes in turn; arrays and maps begin with 2.
const (
	maxFixInt   = 0x7f
	fixMap      = 0x80
	fixArray    = 0x90
	fixStr      = 0xa0
	codeNil     = 0xc0
	codeFalse   = 0xc2
	codeTrue    = 0xc3
	codeBin8    = 0xc4
	codeBin16   = 0xc5
	codeBin32   = 0xc6
	codeExt8    = 0xc7
	codeExt16   = 0xc8
	codeExt32   = 0xc9
	codeFloat32 = 0xca
	codeFloat64 = 0xcb
	codeUint8   = 0xcc
	codeUint16  = 0xcd
	codeUint32  = 0xce
	codeUint64  = 0xcf
	codeInt8    = 0xd0
	codeInt16   = 0xd1
	codeInt32   = 0xd2
	codeInt64   = 0xd3
	codeFixExt1 = 0xd4 // and the four that follow: 2, 4, 8, 16
	codeFixExt5 = 0xd8
	codeStr8    = 0xd9
	codeStr16   = 0xda
	codeStr32   = 0xdb
	codeArray16 = 0xdc
	codeArray32 = 0xdd
	codeMap16   = 0xde
	codeMap32   = 0xdf
	minFixInt   = 0xe0 // -32
)

// The extension types of Pyro (MsgpackSerializer in Pyro4.util and Pyro5.serializers), and the one that
// msgpack itself defines.
const (
	extComplex   = 0x30 // two float64, little-endian, as all that Pyro defines
	extInt       = 0x31 // decimal digits
	extTime      = 0x32 // float64: seconds since the epoch of a time in the local zone
	extDate      = 0x33 // a C long: days, of which 0001-01-01 is 1
	extTimestamp = -1
)

// kinds has what each first byte begins; Invalid for extensions, which their type tells, and for the
// byte that is never used.
var kinds = func() (t [256]bind.Kind) {
	for c := range t {
		switch {
		case c <= maxFixInt, c >= minFixInt, c >= codeUint8 && c <= codeInt64:
			t[c] = bind.Int
		case c < fixArray, c == codeMap16, c == codeMap32:
			t[c] = bind.Dict
		case c < fixStr, c == codeArray16, c == codeArray32:
			t[c] = bind.List
		case c < codeNil, c >= codeStr8 && c <= codeStr32:
			t[c] = bind.Str
		case c == codeNil:
			t[c] = bind.None
		case c == codeFalse, c == codeTrue:
			t[c] = bind.Bool
		case c >= codeBin8 && c <= codeBin32:
			t[c] = bind.Bytes
		case c == codeFloat32, c == codeFloat64:
			t[c] = bind.Float
		}
	}
	return t
}()

// sizes has how many bytes of a length, or of a number, follow each first byte.
var sizes = [256]int{
	codeBin8: 1, codeBin16: 2, codeBin32: 4,
	codeExt8: 1, codeExt16: 2, codeExt32: 4,
	codeFloat32: 4, codeFloat64: 8,
	codeUint8: 1, codeUint16: 2, codeUint32: 4, codeUint64: 8,
	codeInt8: 1, codeInt16: 2, codeInt32: 4, codeInt64: 8,
	codeStr8: 1, codeStr16: 2, codeStr32: 4,
	codeArray16: 2, codeArray32: 4, codeMap16: 2, codeMap32: 4,
}
