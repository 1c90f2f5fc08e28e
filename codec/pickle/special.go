package pickle

import (
	"encoding/binary"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Special appends the values that pickle tells from text, floats and lists.
func (w writer) Special(b []byte, v any, o *codec.Options) (out []byte, ok bool, err error) {
	switch x := v.(type) {
	case time.Time:
		out, err = w.time(b, x)
	case time.Duration:
		out = w.timedelta(b, x)
	case codec.Date:
		out, err = w.date(b, x)
	case codec.TimeOfDay:
		out, err = w.timeOfDay(b, x)
	case codec.Decimal:
		out, err = w.decimal(b, x)
	case uuid.UUID:
		out, err = w.uuid(b, x)
	case codec.Array:
		out, err = w.array(b, x)
	case codec.NDArray:
		out, err = w.ndarray(b, x)
	case codec.Global:
		out, err = w.named(b, string(x), o)
	default:
		return b, false, nil
	}
	return out, true, err
}

func refuseValue(v any, msg string) error {
	return &codec.EncodeError{Codec: name, Type: reflect.TypeOf(v), Msg: msg}
}

// time appends a datetime, in whole microseconds.
func (w writer) time(b []byte, t time.Time) ([]byte, error) {
	t = t.Truncate(time.Microsecond)
	day := codec.DateOf(t)
	if !day.Valid() {
		return b, refuseValue(t, "Python has the years 1 to 9999 only")
	}
	state := appendClock(appendDate(nil, day), codec.TimeOfDayOf(t))
	zone := t.Location()
	if zone != codec.Naive && fold(t) { // which Python 3.6 and later read in all protocols
		state[2] |= foldBit
	}
	b = w.global(b, "datetime", "datetime")
	b, err := w.Bytes(b, state, nil)
	if err != nil {
		return b, err
	}
	if zone == codec.Naive {
		return append(b, opTuple1, opReduce), nil
	}
	_, offset := t.Zone()
	b, err = w.zone(b, zone, offset)
	return append(b, opTuple2, opReduce), err
}

func (w writer) date(b []byte, d codec.Date) ([]byte, error) {
	if !d.Valid() {
		return b, refuseValue(d, "no date of the years 1 to 9999: "+d.String())
	}
	b, err := w.Bytes(w.global(b, "datetime", "date"), appendDate(nil, d), nil)
	return append(b, opTuple1, opReduce), err
}

func (w writer) timeOfDay(b []byte, c codec.TimeOfDay) ([]byte, error) {
	if !c.Valid() {
		return b, refuseValue(c, "not within a day: "+c.String())
	}
	state := appendClock(nil, c)
	if c.Fold && w.protocol > 3 {
		state[0] |= foldBit
	}
	b, err := w.Bytes(w.global(b, "datetime", "time"), state, nil)
	if err != nil {
		return b, err
	}
	if c.Zone == nil || c.Zone == codec.Naive {
		return append(b, opTuple1, opReduce), nil
	}
	// The offset of a zone with rules depends on a day that is not known; TimeOfDay's text takes this one.
	_, offset := time.Date(2000, 1, 1, 0, 0, 0, 0, c.Zone).Zone()
	b, err = w.zone(b, c.Zone, offset)
	return append(b, opTuple2, opReduce), err
}

// zone appends UTC, a zone that came by name by its name, and others by their offset in seconds.
func (w writer) zone(b []byte, zone *time.Location, offset int) ([]byte, error) {
	const day = 86400
	if offset <= -day || offset >= day {
		return b, refuseValue(zone, "an offset of a day or more from UTC")
	}
	if isNamed(zone) {
		b = w.member(b, "zoneinfo", "ZoneInfo", "_unpickle")
		return append(w.text(b, zone.String()), opNewTrue, opTuple2, opReduce), nil
	}
	b = w.timedelta(w.global(b, "datetime", "timezone"), time.Duration(offset)*time.Second)
	abbreviation, _ := time.Date(2000, 1, 1, 0, 0, 0, 0, zone).Zone()
	if zone == time.UTC || abbreviation == "" || abbreviation != zone.String() { // only a fixed zone is called as its times are
		return append(b, opTuple1, opReduce), nil
	}
	b, err := w.Str(b, abbreviation)
	return append(b, opTuple2, opReduce), err
}

// member appends the name of a member of a class.
func (w writer) member(b []byte, module, class, member string) []byte {
	if w.protocol >= 4 {
		return w.global(b, module, class+"."+member)
	}
	b = w.global(w.builtin(b, "getattr"), module, class)
	return append(w.nativeText(b, member), opTuple2, opReduce)
}

// timedelta appends days, seconds and microseconds, of which only the days may be negative.
func (w writer) timedelta(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	const second, day = 1e6, 86400 * 1e6
	days := us / day
	if us %= day; us < 0 {
		days--
		us += day
	}
	b = w.Int(w.global(b, "datetime", "timedelta"), days)
	b = w.Int(w.Int(b, us/second), us%second)
	return append(b, opTuple3, opReduce)
}

func (w writer) decimal(b []byte, d codec.Decimal) ([]byte, error) {
	if !d.Valid() {
		return b, refuseValue(d, "not a decimal")
	}
	b, err := w.Str(w.global(b, "decimal", "Decimal"), d.String())
	return append(b, opTuple1, opReduce), err
}

func (w writer) uuid(b []byte, id uuid.UUID) ([]byte, error) {
	b = append(w.global(b, "uuid", "UUID"), opEmptyTuple, opNewObj, opEmptyDict)
	b, err := w.BigInt(w.text(b, "int"), new(big.Int).SetBytes(id[:]))
	return append(b, opSetItem, opBuild), err
}

// array appends array.array(code, list) for protocol 2, else its bytes.
func (w writer) array(b []byte, a codec.Array) ([]byte, error) {
	text, isText := a.Values.(string)
	ofText := a.Code == 'u' || a.Code == 'w'
	t := arrayTypes[a.Code]
	if isText != ofText || !ofText && (t == nil || reflect.TypeOf(a.Values) != reflect.SliceOf(t)) {
		return b, refuseValue(a, "the type of its values does not go with its code")
	}
	values, format := a.Values, utf32Format
	if isText {
		values = charsOf(text)
	} else {
		format = slices.Index(machineFormats[:], t)
	}
	if w.protocol < 3 {
		b = w.nativeText(w.global(b, "array", "array"), string(a.Code))
		return append(w.arrayItems(b, values, isText), opTuple2, opReduce), nil
	}
	data, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		return b, refuseValue(a, err.Error())
	}
	b = append(w.global(b, "array", "_array_reconstructor"), opMark)
	b = w.text(w.global(b, "array", "array"), string(a.Code))
	b, err = w.Bytes(w.Int(b, int64(format)), data, nil)
	return append(b, opTuple, opReduce), err
}

func (w writer) arrayItems(b []byte, values any, isText bool) []byte {
	v := reflect.ValueOf(values)
	b = w.Begin(b, bind.List, v.Len())
	for i := range v.Len() {
		switch e := v.Index(i); {
		case isText:
			b = w.text(b, string(appendChar(nil, rune(e.Int())))) //nolint:gosec // of an int32
		case e.CanInt():
			b = w.Int(b, e.Int())
		case e.CanUint():
			b = w.Uint(b, e.Uint())
		default:
			b = w.Float(b, e.Float(), 64)
		}
	}
	return w.End(b, bind.List, v.Len())
}

// charsOf returns the characters of s, lone surrogates among them.
func charsOf(s string) []int32 {
	var chars []int32
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if c == utf8.RuneError && n == 1 && len(s) >= 3 && s[0] == 0xed {
			c, n = 0xd000|rune(s[1]&0x3f)<<6|rune(s[2]&0x3f), 3
		}
		chars = append(chars, c)
		s = s[n:]
	}
	return chars
}

// ndarray appends a scalar as numpy does, under the name of numpy 1, which numpy 2 keeps for pickles. An
// array is numpy.ndarray.__new__ over a bytearray, which can be written to and keeps its byte order:
// numpy's own form below protocol 5 gives the machine's, that of protocol 5 has another name in numpy 2.
func (w writer) ndarray(b []byte, a codec.NDArray) ([]byte, error) {
	t, literal, ok := parseDtype(a.DType)
	if !ok {
		return b, refuseValue(a, "not a type of numpy's elements: "+strconv.Quote(a.DType))
	}
	if !fits(a, t.size, len(a.Data)) {
		return b, refuseValue(a, "its data do not fit its shape")
	}
	if a.Shape == nil {
		b, err := w.Bytes(w.dtype(w.global(b, "numpy.core.multiarray", "scalar"), literal), a.Data, nil)
		return append(b, opTuple2, opReduce), err
	}
	b = append(w.global(b, "numpy", "ndarray"), opMark)
	b = w.Begin(b, bind.Tuple, len(a.Shape))
	for _, n := range a.Shape {
		b = w.Int(b, int64(n))
	}
	b = w.dtype(w.End(b, bind.Tuple, len(a.Shape)), literal)
	b, err := w.byteArray(b, a.Data)
	order := "C"
	if a.FortranOrder {
		order = "F"
	}
	b = w.nativeText(append(w.Int(b, 0), opNone), order)
	return append(b, opTuple, opNewObj), err
}

// byteArray appends a bytearray.
func (w writer) byteArray(b, v []byte) ([]byte, error) {
	if w.protocol >= 5 {
		b = binary.LittleEndian.AppendUint64(append(b, opByteArray8), uint64(len(v)))
		return append(b, v...), nil
	}
	b, err := w.Bytes(w.builtin(b, "bytearray"), v, nil)
	return append(b, opTuple1, opReduce), err
}

// dtype appends numpy.dtype(literal).
func (w writer) dtype(b []byte, literal any) []byte {
	return append(w.literal(w.global(b, "numpy", "dtype"), literal), opTuple1, opReduce)
}

// literal appends what describes a dtype, in the str that numpy for Python 2 wants.
func (w writer) literal(b []byte, v any) []byte {
	switch x := v.(type) {
	case string:
		return w.nativeText(b, x)
	case int64:
		return w.Int(b, x)
	case bool:
		return w.Bool(b, x)
	case []any:
		return w.literals(b, bind.List, x)
	case codec.Tuple:
		return w.literals(b, bind.Tuple, x)
	case map[string]any:
		b = w.Begin(b, bind.Dict, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			b = w.literal(w.nativeText(b, k), x[k])
		}
		return w.End(b, bind.Dict, len(x))
	}
	return w.None(b)
}

func (w writer) literals(b []byte, k bind.Kind, items []any) []byte {
	b = w.Begin(b, k, len(items))
	for _, v := range items {
		b = w.literal(b, v)
	}
	return w.End(b, k, len(items))
}
