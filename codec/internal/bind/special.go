package bind

import (
	"encoding"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// textDecode reads a str by the type's own UnmarshalText, and all else as its kind says.
func textDecode(other decodeFunc) decodeFunc {
	return func(d *Decoder, v reflect.Value) error {
		k, err := d.Src.Peek(Scalar)
		if err != nil {
			return err
		}
		if k != Str {
			return other(d, v)
		}
		b, err := d.Src.Str()
		if err != nil {
			return err
		}
		u, _ := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
		if err := u.UnmarshalText(b); err != nil {
			return &codec.TypeError{Want: v.Type().String(), Found: "str", Why: err.Error()}
		}
		return nil
	}
}

// exactly takes a value of the very type from sources that have such, and all else as other says.
func exactly(other decodeFunc) decodeFunc {
	return func(d *Decoder, v reflect.Value) error {
		special, ok := d.Src.(SpecialSource)
		if !ok {
			return other(d, v)
		}
		if _, err := d.Src.Peek(Scalar); err != nil {
			return err
		}
		x, ok, err := special.Special()
		switch {
		case err != nil:
			return err
		case !ok:
			return other(d, v)
		case assign(v, x):
			return nil
		}
		text := Decoder{Src: plainSource{newTreeSource(x)}, O: d.O, asis: d.asis}
		return other(&text, v)
	}
}

func decodeTime(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Str, v); !ok {
		return err
	}
	b, err := d.Src.Str()
	if err != nil {
		return err
	}
	t, ok := parseTime(string(b))
	if !ok {
		return &codec.TypeError{Want: "time.Time", Found: "str", Why: "not an ISO 8601 time"}
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

// isoLayouts are the forms of Python's isoformat; fractions of a second are read by all of them.
var isoLayouts = [...]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00:00", "2006-01-02",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04",
}

// parseTime reads an ISO time; what names no zone is in codec.Naive.
func parseTime(s string) (time.Time, bool) {
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range isoLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if !strings.Contains(layout, "Z") {
			t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), codec.Naive)
		}
		return t, true
	}
	return time.Time{}, false
}

// appendTime appends t as Python's isoformat writes a datetime: with offset unless t is in
// codec.Naive, and microseconds if there are any.
func appendTime(b []byte, t time.Time) []byte {
	t = t.Truncate(time.Microsecond)
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000000"
	}
	if t.Location() == codec.Naive {
		return t.AppendFormat(b, layout)
	}
	layout += "-07:00"
	if _, offset := t.Zone(); offset%60 != 0 {
		layout += ":00"
	}
	return t.AppendFormat(b, layout)
}

// seconds returns the float that is nearest to d, as Python's timedelta.total_seconds does; the method
// of time.Duration is off by its last digit now and then.
func seconds(d time.Duration) float64 {
	if d%time.Microsecond == 0 {
		return float64(d/time.Microsecond) / 1e6
	}
	return float64(d) / 1e9
}

func decodeDuration(d *Decoder, v reflect.Value) error {
	var f float64
	if err := d.float(&f); err != nil {
		return wantInstead(err, v)
	}
	if !(math.Abs(f*1e9) < 1<<63) {
		return &codec.TypeError{Want: "time.Duration", Found: "float", Why: "out of range"}
	}
	whole, part := math.Modf(f)
	ns := math.Round(part * 1e9)
	if math.Abs(f) >= 1<<23 { // the digits of such a float do not reach further than microseconds
		ns = math.Round(part*1e6) * 1e3
	}
	v.SetInt(int64(whole)*1e9 + int64(ns))
	return nil
}

func decodeBigInt(d *Decoder, v reflect.Value) error {
	if ok, err := d.comes(Int, v); !ok {
		return err
	}
	n, b, err := d.Src.Int()
	if err != nil {
		return err
	}
	p, _ := reflect.TypeAssert[*big.Int](v.Addr())
	if b != nil {
		p.Set(b)
	} else {
		p.SetInt64(n)
	}
	return nil
}

func decodeTuple(d *Decoder, v reflect.Value) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	if k == None {
		v.SetZero()
		return d.Src.None()
	}
	if k != Tuple && k != List {
		return d.wrongKind(v, k)
	}
	out := codec.Tuple{}
	err = d.eachElement(func(int) error {
		var x any
		err := d.any(&x)
		out = append(out, x)
		return err
	})
	v.Set(reflect.ValueOf(out))
	return err
}

func decodeSet(d *Decoder, v reflect.Value) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	if !isSequence(k) {
		return d.wrongKind(v, k)
	}
	out := codec.Set{Frozen: k == FrozenSet}
	err = d.eachElement(func(int) error {
		var x any
		if err := d.any(&x); err != nil {
			return err
		}
		return out.Put(x)
	})
	v.Set(reflect.ValueOf(out))
	return err
}

// decodeDict reads a dict without converting it if it is an instance itself.
func decodeDict(d *Decoder, v reflect.Value) error {
	k, err := d.Src.Peek(Mapping)
	if err != nil {
		return err
	}
	if k != Dict && k != Brace {
		return mismatch("dict", k)
	}
	if err := d.Src.Enter(); err != nil {
		return err
	}
	out, _ := reflect.TypeAssert[*codec.Dict](v.Addr())
	*out = codec.Dict{}
	for {
		more, err := d.Src.Next()
		if err != nil || !more {
			return err
		}
		key, _, err := d.Src.Tree()
		if err != nil {
			return err
		}
		if err := d.Src.Value(); err != nil {
			return err
		}
		var x any
		if err := d.any(&x); err != nil {
			return err
		}
		if err := out.Put(key, x); err != nil {
			return err
		}
	}
}

func decodeObject(d *Decoder, v reflect.Value) error {
	k, err := d.Src.Peek(Mapping)
	if err != nil {
		return err
	}
	if k != Dict && k != Brace {
		return mismatch("instance", k)
	}
	if x, ok := d.object(); ok {
		if d.InsideOut {
			if x, err = d.objectInsideOut(x); err != nil {
				return err
			}
		}
		v.Set(reflect.ValueOf(x))
		return nil
	}
	var dict codec.Dict
	defer func(asis bool) { d.asis = asis }(d.asis)
	d.asis = !d.InsideOut // within an instance nothing is converted
	if err := decodeDict(d, reflect.ValueOf(&dict).Elem()); err != nil {
		return err
	}
	o := codec.Object{Attrs: make(map[string]any, dict.Len())}
	for key, x := range dict.All() {
		name, ok := key.(string)
		if !ok {
			return &codec.TypeError{Want: "instance", Found: "dict", Why: "a key is not text"}
		}
		if name == codec.ClassKey {
			o.Class, _ = x.(string)
			continue
		}
		o.Attrs[name] = x
	}
	if o.Class == "" {
		return mismatch("instance", Dict)
	}
	v.Set(reflect.ValueOf(o))
	return nil
}

// decodeValue keeps the encoded form where the source can hand it out.
func decodeValue(d *Decoder, v reflect.Value) error {
	if raw, ok := d.Src.(RawSource); ok && d.Codec != nil {
		b, err := raw.Raw()
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(codec.RawValue(b, d.Codec, d.O)))
		return nil
	}
	var x any
	if err := d.any(&x); err != nil {
		return err
	}
	v.Set(reflect.ValueOf(codec.ValueOf(x)))
	return nil
}
