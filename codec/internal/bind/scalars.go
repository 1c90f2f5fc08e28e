package bind

import (
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
)

func (d *Decoder) str(p *string) error {
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return err
	}
	if k != Str {
		return d.wrongKind(reflect.ValueOf(p).Elem(), k)
	}
	b, err := d.Src.Str()
	if err != nil {
		return err
	}
	*p = string(b)
	return nil
}

func (d *Decoder) bool(p *bool) error {
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return err
	}
	if k != Bool {
		return d.wrongKind(reflect.ValueOf(p).Elem(), k)
	}
	*p, err = d.Src.Bool()
	return err
}

func (d *Decoder) float(p *float64) error {
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return err
	}
	switch k {
	case Float:
		*p, err = d.Src.Float()
		return err
	case Int:
		n, big, err := d.Src.Int()
		if err != nil {
			return err
		}
		if big != nil {
			*p, err = floatOf(big)
			return err
		}
		*p = float64(n)
		return nil
	default:
		return d.wrongKind(reflect.ValueOf(p).Elem(), k)
	}
}

func floatOf(n *big.Int) (float64, error) {
	f, _ := new(big.Float).SetInt(n).Float64()
	if math.IsInf(f, 0) {
		return 0, outOfRange("float64", bigText(n))
	}
	return f, nil
}

func signed[T int | int64](d *Decoder, p *T) error {
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return err
	}
	if k != Int {
		return d.wrongKind(reflect.ValueOf(p).Elem(), k)
	}
	n, big, err := d.Src.Int()
	if err != nil {
		return err
	}
	if big != nil {
		return outOfRange(reflect.TypeFor[T]().String(), bigText(big))
	}
	if int64(T(n)) != n { // an int may have 32 bits
		return outOfRange(reflect.TypeFor[T]().String(), formatInt(n))
	}
	*p = T(n)
	return nil
}

// bigText spells n for an error. Spelling takes time with the square of the digits, so that of many the
// number must do.
func bigText(n *big.Int) string {
	const most = 128 // bits
	if n.BitLen() > most {
		return "an int of " + strconv.Itoa(n.BitLen()) + " bits"
	}
	return n.String()
}

func outOfRange(want, n string) error {
	if len(n) > 40 {
		n = n[:37] + "..."
	}
	return &codec.TypeError{Want: want, Found: "int", Why: n + " is out of range"}
}

func decodeBool(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Bool, v); !ok {
		return err
	}
	b, err := d.Src.Bool()
	if err == nil {
		v.SetBool(b)
	}
	return err
}

func decodeInt(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Int, v); !ok {
		return err
	}
	n, big, err := d.Src.Int()
	if err != nil {
		return err
	}
	if big != nil {
		return outOfRange(v.Type().String(), bigText(big))
	}
	if v.OverflowInt(n) {
		return outOfRange(v.Type().String(), formatInt(n))
	}
	v.SetInt(n)
	return nil
}

func decodeUint(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Int, v); !ok {
		return err
	}
	n, big, err := d.Src.Int()
	if err != nil {
		return err
	}
	u := uint64(n) //nolint:gosec // checked below
	if big != nil {
		if !big.IsUint64() {
			return outOfRange(v.Type().String(), bigText(big))
		}
		u = big.Uint64()
	} else if n < 0 {
		return outOfRange(v.Type().String(), formatInt(n))
	}
	if v.OverflowUint(u) {
		return outOfRange(v.Type().String(), strconv.FormatUint(u, 10))
	}
	v.SetUint(u)
	return nil
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func decodeFloat(d *Decoder, v reflect.Value) error {
	var f float64
	if err := d.float(&f); err != nil {
		return wantInstead(err, v)
	}
	if v.OverflowFloat(f) && !math.IsInf(f, 0) {
		return &codec.TypeError{Want: v.Type().String(), Found: "float", Why: "out of range"}
	}
	v.SetFloat(f)
	return nil
}

func decodeComplex(d *Decoder, v reflect.Value) error {
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return err
	}
	if k == Complex {
		c, err := d.Src.Complex()
		if err == nil {
			v.SetComplex(c)
		}
		return err
	}
	if k == Dict || k == Brace {
		return d.complexClass(v, k)
	}
	var f float64
	if err := d.float(&f); err != nil {
		return wantInstead(err, v)
	}
	v.SetComplex(complex(f, 0))
	return nil
}

// complexClass reads a number that travels as an instance, as serpent's NaN does.
func (d *Decoder) complexClass(v reflect.Value, k Kind) error {
	x, err := d.converted()
	if err != nil {
		return err
	}
	switch n := x.(type) {
	case complex128:
		v.SetComplex(n)
	case float64:
		v.SetComplex(complex(n, 0))
	default:
		return mismatch(v.Type().String(), k)
	}
	return nil
}

// wantInstead names the type of v in a mismatch that was found on behalf of another type.
func wantInstead(err error, v reflect.Value) error {
	if t, ok := err.(*codec.TypeError); ok && t.Path == "" { //nolint:errorlint // made just now
		t.Want = v.Type().String()
	}
	return err
}

func decodeString(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Str, v); !ok {
		return err
	}
	b, err := d.Src.Str()
	if err == nil {
		v.SetString(string(b))
	}
	return err
}

func decodeBytes(d *Decoder, v reflect.Value) error {
	p, _ := reflect.TypeAssert[*[]byte](v.Addr())
	return d.bytes(p)
}

// bytes reads bytes, or the dict with exactly the keys data and encoding that serpent makes of them.
func (d *Decoder) bytes(p *[]byte) error {
	k, err := d.Src.Peek(Mapping)
	if err != nil {
		return err
	}
	switch k {
	case Bytes:
		b, err := d.Src.Bytes()
		if err == nil {
			*p = keep(b, d.shares())
		}
		return err
	case None:
		*p = nil
		return d.Src.None()
	case Dict, Brace:
		if quick, ok := d.Src.(BytesDictSource); ok {
			if *p, ok = quick.BytesDict(); ok {
				return nil
			}
		}
		*p, err = d.bytesDict()
		return err
	default:
		return mismatch("[]uint8", k)
	}
}

func (d *Decoder) bytesDict() (out []byte, err error) {
	var data, encoding bool
	for err = d.Src.Enter(); err == nil; {
		key, state, nerr := d.Src.NextKey()
		if nerr != nil {
			return nil, nerr
		}
		if state == NoKey {
			break
		}
		name := string(key)
		k, perr := d.Src.Peek(Scalar)
		if perr != nil {
			return nil, perr
		}
		if state != StrKey || k != Str {
			return nil, mismatch("[]uint8", Dict)
		}
		text, serr := d.Src.Str()
		if serr != nil {
			return nil, serr
		}
		switch name {
		case "data":
			data = true
			if out, err = Base64(text); err != nil {
				return nil, &codec.TypeError{Want: "[]uint8", Found: "dict", Why: "data is not base64"}
			}
		case "encoding":
			encoding = string(text) == "base64"
		default:
			return nil, mismatch("[]uint8", Dict)
		}
	}
	if err == nil && !(data && encoding) {
		err = mismatch("[]uint8", Dict)
	}
	return out, err
}

// comes reports whether a scalar of kind k comes next, for v. If another comes, v may have been filled
// with what a decoder makes of it; or err says that it does not fit.
func (d *Decoder) comes(k Kind, v reflect.Value) (ok bool, err error) {
	found, err := d.Src.Peek(Scalar)
	if err != nil {
		return false, err
	}
	if found != k {
		return false, d.wrongKind(v, found)
	}
	return true, nil
}

// wrongKind says that k does not fit v, unless it is an instance that a decoder makes fit.
func (d *Decoder) wrongKind(v reflect.Value, k Kind) error {
	if k == Dict || k == Brace {
		return d.classInto(v, k)
	}
	return mismatch(v.Type().String(), k)
}
