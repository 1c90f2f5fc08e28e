package msgpack_test

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func TestRegistered(t *testing.T) {
	c, err := codec.Named("msgpack")
	require.NoError(t, err)
	require.Equal(t, msgpack.Codec, c)
	_, c = codec.Numbered(6, codec.Pyro4)
	require.Equal(t, msgpack.Codec, c)
	_, c = codec.Numbered(4, codec.Pyro5)
	require.Equal(t, msgpack.Codec, c)
}

// Heads of all sizes are the smallest that Python's msgpack would choose.
func TestSmallestHeads(t *testing.T) {
	for _, tt := range []struct {
		v    any
		head string
	}{
		{strings.Repeat("a", 31), "\xbf"},
		{strings.Repeat("a", 32), "\xd9\x20"},
		{strings.Repeat("a", 256), "\xda\x01\x00"},
		{strings.Repeat("a", 1<<16-1), "\xda\xff\xff"},
		{strings.Repeat("a", 1<<16), "\xdb\x00\x01\x00\x00"},
		{make([]byte, 255), "\xc4\xff"},
		{make([]byte, 256), "\xc5\x01\x00"},
		{make([]byte, 1<<16), "\xc6\x00\x01\x00\x00"},
		{make([]int, 15), "\x9f"},
		{make([]int, 16), "\xdc\x00\x10"},
		{make([]any, 1<<16), "\xdd\x00\x01\x00\x00"},
		{dictOf(15), "\x8f"},
		{dictOf(16), "\xde\x00\x10"},
		{dictOf(1 << 16), "\xdf\x00\x01\x00\x00"},
		{uint64(math.MaxUint64), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
		{float32(0.5), "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"},
		{codec.NewFrozenSet(1), "\x91\x01"},
		{map[string]struct{}{"a": {}}, "\x91\xa1a"},
		{[2]bool{true}, "\x92\xc3\xc2"},
	} {
		data, err := msgpack.Marshal(tt.v)
		require.NoError(t, err)
		require.Equal(t, tt.head, string(data[:len(tt.head)]), "%T", tt.v)
		var v any
		require.NoError(t, msgpack.Unmarshal(data, &v))
		again, err := msgpack.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, data, again)
	}
}

func dictOf(n int) map[string]int {
	m := make(map[string]int, n)
	for i := range n {
		m[string(rune('0'+i%10))+strings.Repeat("x", i%7)+uuid.NewString()] = i
	}
	return m
}

func TestTextIsUTF8(t *testing.T) {
	for _, data := range []string{"\xa1\xff", "\xa3\xed\xa0\x80", "\xa2\xc0\x80", "\xd9\x01\x80", "\x81\xa1\xff\x00", "\x91\xa1\xff"} {
		for _, dst := range []any{new(any), new(string), new(map[string]int), new([]string), new(codec.Value)} {
			err := msgpack.Unmarshal([]byte(data), dst)
			require.Error(t, err, "%q into %T", data, dst)
		}
		var v any
		require.NoError(t, msgpack.Codec.Unmarshal([]byte(data), &v, &codec.Options{Lenient: true}), "%q", data)
		_, err := msgpack.Codec.Append(nil, v, &codec.Options{Lenient: true})
		require.ErrorContains(t, err, "not UTF-8") // it may be passed on as it is, but not made
	}
	var s string
	require.NoError(t, msgpack.Codec.Unmarshal([]byte("\xa3a\xffb"), &s, &codec.Options{Lenient: true}))
	require.Equal(t, "a\xffb", s)
	var raw codec.Value
	lenient := &codec.Options{Lenient: true}
	require.NoError(t, msgpack.Codec.Unmarshal([]byte("\xa1\xff"), &raw, lenient))
	out, err := msgpack.Codec.Append(nil, []any{raw}, lenient)
	require.NoError(t, err)
	require.Equal(t, "\x91\xa1\xff", string(out))
	_, err = msgpack.Marshal([]any{raw})
	var refused *codec.EncodeError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "[0]", refused.Path)
}

type named string

// Keys that Python's msgpack would refuse to read are refused by both sides, unless told otherwise.
func TestKeys(t *testing.T) {
	lenient := &codec.Options{Lenient: true}
	for _, tt := range []struct {
		name string
		v    any
		data string
		key  any // as it is read
	}{
		{"int", codec.NewDict(5, "v"), "\x81\x05\xa1v", int64(5)},
		{"map", map[int]string{5: "v"}, "\x81\x05\xa1v", int64(5)},
		{"float", map[float64]string{0.5: "v"}, "\x81\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\xa1v", 0.5},
		{"bool", codec.NewDict(true, "v"), "\x81\xc3\xa1v", true},
		{"None", codec.NewDict(nil, "v"), "\x81\xc0\xa1v", nil},
		{"tuple", codec.NewDict(codec.Tuple{1, codec.Tuple{"a"}}, "v"), "\x81\x92\x01\x91\xa1a\xa1v", codec.Tuple{int64(1), codec.Tuple{"a"}}},
		{"array", map[[2]int]string{{1, 2}: "v"}, "\x81\x92\x01\x02\xa1v", codec.Tuple{int64(1), int64(2)}},
		{"date", map[codec.Date]string{{Year: 1, Month: 1, Day: 1}: "v"}, "\x81\xd7\x33\x01\x00\x00\x00\x00\x00\x00\x00\xa1v", codec.Date{Year: 1, Month: 1, Day: 1}},
		{"complex", codec.NewDict(1i, "v"), "\x81\xd8\x30\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\xa1v", 1i},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := msgpack.Marshal([]any{tt.v})
			var refused *codec.EncodeError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "[0].key", refused.Path)
			require.ErrorContains(t, err, "only text and bytes as keys; Options.Lenient")
			for _, dst := range []any{new(any), new(codec.Dict), new(map[any]any), new(codec.Value), new(struct{})} {
				var syntax *codec.SyntaxError
				require.ErrorAs(t, msgpack.Unmarshal([]byte(tt.data), dst), &syntax, "%T", dst)
			}
			out, err := msgpack.Codec.Append(nil, tt.v, lenient)
			require.NoError(t, err)
			require.Equal(t, tt.data, string(out))
			var v any
			require.NoError(t, msgpack.Codec.Unmarshal(out, &v, lenient))
			require.Equal(t, codec.NewDict(tt.key, "v"), v)
			require.NoError(t, msgpack.Codec.Unmarshal(out, new(struct{}), lenient))
		})
	}
	for _, data := range []string{"\x81\x80\xc0", "\x81\x91\x80\xc0"} { // what holds a dict is no key anywhere
		var v any
		var wrong *codec.TypeError
		require.ErrorAs(t, msgpack.Codec.Unmarshal([]byte(data), &v, lenient), &wrong)
	}
	for _, v := range []any{
		map[string]int{"a": 1},
		map[named]int{"a": 1},
		map[uuid.UUID]int{{}: 1},
		map[netip.Addr]int{netip.IPv6Loopback(): 1},
		codec.NewDict([]byte("a"), 1), codec.NewDict(codec.Decimal("1.5"), 1),
		map[codec.TimeOfDay]int{{}: 1},
		map[time.Time]int{time.Unix(0, 0).UTC(): 1},
		map[[1]byte]struct{}{{1}: {}},
	} {
		out, err := msgpack.Marshal(v)
		require.NoError(t, err, "%T", v)
		var back any
		require.NoError(t, msgpack.Unmarshal(out, &back), "%T", v)
	}
	_, err := msgpack.Marshal(map[named]any{"k": []any{make(chan int)}})
	require.ErrorContains(t, err, "at k[0]:")
	_, err = msgpack.Codec.Append(nil, map[uint8]any{5: make(chan int)}, lenient)
	require.ErrorContains(t, err, "at [...]:")
	var byBytes map[string]int
	require.ErrorContains(t, msgpack.Unmarshal([]byte("\x81\xc4\x01a\x01"), &byBytes), "a key is not text")
	var d *codec.Dict
	require.NoError(t, msgpack.Unmarshal([]byte("\x82\xc4\x01a\x01\xa1a\x02"), &d)) // b'a' is not 'a'
	require.Equal(t, codec.NewDict([]byte("a"), int64(1), "a", int64(2)), d)
}

// Arrays are tuples in keys only.
func TestArraysInKeys(t *testing.T) {
	var v any
	lenient := &codec.Options{Lenient: true}
	require.NoError(t, msgpack.Codec.Unmarshal([]byte("\x92\x82\x91\x01\x91\x02\xa1a\x91\x03\x91\x04"), &v, lenient))
	require.Equal(t, []any{codec.NewDict(codec.Tuple{int64(1)}, []any{int64(2)}, "a", []any{int64(3)}), []any{int64(4)}}, v)
	var m map[[1]int][]int
	require.NoError(t, msgpack.Codec.Unmarshal([]byte("\x81\x91\x01\x91\x02"), &m, lenient))
	require.Equal(t, map[[1]int][]int{{1}: {2}}, m)
}

func TestTimes(t *testing.T) {
	inUTC(t)
	naive := time.Date(2020, 2, 29, 13, 14, 15, 678000, codec.Naive)
	date := codec.Date{Year: 2020, Month: 2, Day: 29}
	aware := naive.In(time.FixedZone("", 5*3600+1800))
	data, err := msgpack.Marshal([]any{naive, date, aware, &naive, time.Unix(7, 5).UTC()})
	require.NoError(t, err)
	var v any
	require.NoError(t, msgpack.Unmarshal(data, &v))
	require.Equal(t, []any{naive, date, "2020-02-29T18:44:15.000678+05:30", naive, "1970-01-01T00:00:07+00:00"}, v)
	var texts []string
	require.NoError(t, msgpack.Unmarshal(data, &texts))
	require.Equal(t, []string{
		"2020-02-29T13:14:15.000678", "2020-02-29", "2020-02-29T18:44:15.000678+05:30", "2020-02-29T13:14:15.000678", "1970-01-01T00:00:07+00:00",
	}, texts)
	var typed struct {
		_     struct{} `pyro:",tuple"`
		Naive time.Time
		Date  codec.Date
		Aware time.Time
		Again *time.Time
		UTC   any
	}
	require.NoError(t, msgpack.Unmarshal(data, &typed))
	require.Equal(t, naive, typed.Naive)
	require.Equal(t, date, typed.Date)
	require.True(t, aware.Equal(typed.Aware))
	require.Equal(t, naive, *typed.Again)

	stamp := []byte("\xd7\xff\x00\x00\x00\x14\x00\x00\x00\x07")
	var when time.Time
	require.NoError(t, msgpack.Unmarshal(stamp, &when))
	require.Equal(t, time.Unix(7, 5).UTC(), when)
	var text string
	require.NoError(t, msgpack.Unmarshal(stamp, &text))
	require.Equal(t, "1970-01-01T00:00:07+00:00", text)
	var day codec.Date
	require.Error(t, msgpack.Unmarshal(stamp, &day))
	require.ErrorContains(t, msgpack.Unmarshal(stamp, new(float64)), "want float64, found str")

	for _, v := range []any{
		time.Date(10000, 1, 1, 0, 0, 0, 0, codec.Naive), time.Date(1, 1, 1, 0, 0, 0, 0, codec.Naive), codec.Date{}, codec.Date{Year: 2021, Month: 2, Day: 29},
	} {
		_, err := msgpack.Marshal(map[string]any{"at": v})
		var refused *codec.EncodeError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "at", refused.Path)
		require.ErrorContains(t, err, "years 1 to 9999")
	}
}

// A naive time is that which clocks in the local zone show.
func TestLocalZone(t *testing.T) {
	inUTC(t)
	data, err := msgpack.Marshal(time.Date(2021, 7, 1, 12, 0, 0, 0, codec.Naive))
	require.NoError(t, err)
	var v any
	inZone(t, time.FixedZone("", 2*3600))
	require.NoError(t, msgpack.Unmarshal(data, &v))
	require.Equal(t, time.Date(2021, 7, 1, 14, 0, 0, 0, codec.Naive), v)
	again, err := msgpack.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, data, again)
}

func TestOtherTypes(t *testing.T) {
	for _, tt := range []struct{ v, want any }{
		{codec.Decimal("1.50"), "1.50"},
		{uuid.MustParse("11112222-3333-4444-5555-666677778888"), "11112222-3333-4444-5555-666677778888"},
		{codec.TimeOfDay{Hour: 13, Minute: 14}, "13:14:00"},
		{90 * time.Second, 90.0},
		{codec.ArrayOf([]uint8{0, 255}), []any{int64(0), int64(255)}},
		{codec.ArrayOf([]float64{1.5}), []any{1.5}},
		{codec.Array{Code: 'u', Values: "hé"}, "hé"},
	} {
		data, err := msgpack.Marshal(tt.v)
		require.NoError(t, err)
		var v any
		require.NoError(t, msgpack.Unmarshal(data, &v))
		require.Equal(t, tt.want, v)
	}
	for _, v := range []any{
		codec.NDArrayOf([]float64{1}), codec.Global("builtins.Ellipsis"), codec.Object{Class: "m.C", Reduction: &codec.Reduction{}},
	} {
		_, err := msgpack.Marshal(v)
		var refused *codec.EncodeError
		require.ErrorAs(t, err, &refused, "%T", v)
	}
}

func TestWrongExtensions(t *testing.T) {
	for data, want := range map[string]string{
		"\xd4\x05\x00": "invalid ext code for msgpack: 5",
		"\xd4\xfe\x00": "invalid ext code for msgpack: -2",
		"\xc1":         "a byte that no value begins with",
		"\xd7\x30\x00\x00\x00\x00\x00\x00\x00\x00":                     "16 bytes",
		"\xd6\x32\x00\x00\x00\x00":                                     "no time or date",
		"\xd7\x32\x00\x00\x00\x00\x00\x00\xf8\x7f":                     "no time or date", // NaN
		"\xd5\x33\x01\x00":                                             "no time or date",
		"\xd6\x33\x00\x00\x00\x00":                                     "no time or date",
		"\xc7\x03\xff\x00\x00\x00":                                     "no time or date",
		"\xc7\x00\xff":                                                 "no time or date",
		"\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x07":                     "no time or date", // more than a second of nanoseconds
		"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff": "no time or date",
		"\xd8\x30\x00":                                                 "unexpected end",
		"\xc9\x00":                                                     "unexpected end",
	} {
		for _, dst := range []any{new(any), new(time.Time), new(string), new(codec.Value), new(struct{}), new(complex128), new([]byte)} {
			err := msgpack.Unmarshal([]byte(data), dst)
			require.Error(t, err, "%q into %T", data, dst)
			if _, ok := dst.(*any); ok {
				require.ErrorContains(t, err, want, "%q", data)
			}
			var value codec.Value
			require.ErrorContains(t, msgpack.Unmarshal([]byte("\x91"+data), &value), want, "%q", data)
		}
	}
}

// Lies about sizes are found before memory is taken, and where they stand.
func TestSizesAreNotBelieved(t *testing.T) {
	for data, offset := range map[string]int{
		"\xdd\xff\xff\xff\xff": 0, "\xdf\xff\xff\xff\xff": 0, "\xdc\x00\x02\x00": 0, "\x92\x92\x00\x92\x00\x00": 3, "\x92\x00\x91": 2,
		"\x93\x00\x92\x00\x00": 2, "\x81\xa1a": 3, "\x82\xa1a": 0, "\xdb\xff\xff\xff\xff": 5, "\xc6\xff\xff\xff\xff": 5,
	} {
		for _, dst := range []any{new(any), new([]any), new([][]any), new(codec.Value), new(map[string]any), new([]byte), new(string)} {
			err := msgpack.Unmarshal([]byte(data), dst)
			require.Error(t, err, "%q into %T", data, dst)
			if syntax, ok := errors.AsType[*codec.SyntaxError](err); ok {
				require.Equal(t, offset, syntax.Offset, "%q into %T: %v", data, dst, err)
			}
		}
	}
}

func TestSharedInput(t *testing.T) {
	data, err := msgpack.Marshal([]any{[]byte("abc"), "text", codec.NewDict("b", []byte("def"))})
	require.NoError(t, err)
	o := &codec.Options{ShareInput: true}
	var v []any
	var typed struct {
		_    struct{} `pyro:",tuple"`
		B    []byte
		S    string
		Dict map[string][]byte
	}
	require.NoError(t, msgpack.Codec.Unmarshal(data, &v, o))
	require.NoError(t, msgpack.Codec.Unmarshal(data, &typed, o))
	copied := append([]any{}, v...)
	require.NoError(t, msgpack.Unmarshal(data, &copied))
	for i := range data {
		data[i] = '!'
	}
	require.Equal(t, []any{[]byte("!!!"), "text", map[string]any{"b": []byte("!!!")}}, v)
	require.Equal(t, []any{[]byte("abc"), "text", map[string]any{"b": []byte("def")}}, copied)
	require.Equal(t, "!!!", string(typed.B))
	require.Equal(t, "!!!", string(typed.Dict["b"]))
	require.Equal(t, 3, cap(typed.B)) // what is appended goes elsewhere
}

type lamp struct {
	Name  string `pyro:"name"`
	Light any    `pyro:"light"`
	Spare *bulb  `pyro:"spare"`
}

type bulb struct{ watts int64 }

// What is within an instance is converted before it.
func TestInstancesInsideOut(t *testing.T) {
	r := codec.NewRegistry()
	made := 0
	r.RegisterDecoder("shop.Bulb", func(_ string, attrs *codec.Dict) (any, error) {
		made++
		watts, _ := attrs.Get("watts")
		n, ok := watts.(int64)
		if !ok {
			return nil, errors.New("a bulb needs watts")
		}
		return &bulb{n}, nil
	})
	r.RegisterDecoder("shop.Box", func(_ string, attrs *codec.Dict) (any, error) {
		items, _ := attrs.Get("items")
		list, ok := items.([]any)
		if !ok {
			return nil, errors.New("a box needs items")
		}
		return list, nil
	})
	codec.RegisterType[*lamp](r, "shop.Lamp")
	o := &codec.Options{Registry: r}
	encode := func(v any) []byte {
		data, err := msgpack.Codec.Append(nil, v, o)
		require.NoError(t, err)
		return data
	}
	bulbDict := codec.NewDict("__class__", "shop.Bulb", "watts", 40)
	box := codec.NewDict("items", []any{bulbDict, codec.NewDict("deep", codec.Tuple{bulbDict})}, "__class__", "shop.Box")

	var v any
	require.NoError(t, msgpack.Codec.Unmarshal(encode([]any{box}), &v, o))
	require.Equal(t, []any{[]any{&bulb{40}, codec.NewDict("deep", []any{&bulb{40}})}}, asDicts(v))
	require.Equal(t, 2, made)

	lampDict := codec.NewDict("__class__", "shop.Lamp", "name", "desk", "light", bulbDict, "spare", bulbDict)
	want := &lamp{"desk", &bulb{40}, &bulb{40}}
	require.NoError(t, msgpack.Codec.Unmarshal(encode(map[string]any{"a": lampDict}), &v, o))
	require.Equal(t, map[string]any{"a": want}, v)
	var l lamp
	require.NoError(t, msgpack.Codec.Unmarshal(encode(lampDict), &l, o))
	require.Equal(t, *want, l)

	// A class whose decoder makes something else is read by its keys, as far down as need be.
	var view struct {
		Items []struct {
			Watts int `pyro:"watts"`
			Deep  []struct {
				Watts int `pyro:"watts"`
			} `pyro:"deep"`
		} `pyro:"items"`
	}
	made = 0
	require.NoError(t, msgpack.Codec.Unmarshal(encode(box), &view, o))
	require.Equal(t, 40, view.Items[0].Watts)
	require.Equal(t, 40, view.Items[1].Deep[0].Watts)
	require.Equal(t, 2, made) // once each

	var obj codec.Object
	require.NoError(t, msgpack.Codec.Unmarshal(encode(codec.NewDict("__class__", "a.B", "x", []any{bulbDict})), &obj, o))
	require.Equal(t, codec.Object{Class: "a.B", Attrs: map[string]any{"x": []any{&bulb{40}}}}, obj)

	var class *codec.ClassError
	for _, dst := range []any{new(any), new([]any), new([]lamp)} {
		bad := encode([]any{codec.NewDict("__class__", "shop.Lamp", "name", "x", "light", codec.NewDict("__class__", "shop.Bulb"))})
		require.ErrorAs(t, msgpack.Codec.Unmarshal(bad, dst, o), &class)
	}
	err := msgpack.Codec.Unmarshal(encode(codec.NewDict("__class__", "shop.Lamp", "name", 5)), &v, o)
	require.ErrorAs(t, err, &class)
	require.ErrorContains(t, err, "class shop.Lamp: name: want string, found int")

	named := []byte("\x82\xa9__class__\xc4\x09shop.Bulb\xa5watts\x05") // as Python 2 may have it
	require.NoError(t, msgpack.Codec.Unmarshal(named, &v, o))
	require.Equal(t, &bulb{5}, v)
}

func asDicts(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = asDicts(x[i])
		}
	case map[string]any:
		d := codec.NewDict()
		for k, v := range x {
			d.Set(k, asDicts(v))
		}
		return d
	}
	return v
}

func TestDepth(t *testing.T) {
	deep := func(n int) []byte { return append([]byte(strings.Repeat("\x91", n)), 0xc0) }
	var v any
	require.NoError(t, msgpack.Unmarshal(deep(200), &v))
	var limit *codec.LimitError
	for _, dst := range []any{new(any), new(codec.Value), new([]any), new(struct{})} {
		err := msgpack.Unmarshal(append([]byte("\x81\xa1a"), deep(200)...), dst)
		if _, ok := dst.(*[]any); !ok {
			require.ErrorAs(t, err, &limit, "%T", dst)
			require.Equal(t, "MaxDepth", limit.Option)
		}
	}
	require.NoError(t, msgpack.Codec.Unmarshal(deep(1024), &v, &codec.Options{MaxDepth: 1024}))
}

// all takes all arguments.
type all struct{ args []*any }

func (a *all) Positional(int) (any, error) {
	a.args = append(a.args, new(any))
	return a.args[len(a.args)-1], nil
}
func (a *all) Keyword([]byte) (any, error) { return a.Positional(0) }
func (*all) None(bool) error               { return nil }

// Errors tell the place in the whole payload.
func TestPositionOfErrors(t *testing.T) {
	payload := []byte("\x94\xa1o\xa1m\x92\x01\xa1\xff\x80")
	h, err := msgpack.Codec.OpenCall(payload, nil)
	require.NoError(t, err)
	var syntax *codec.SyntaxError
	require.ErrorAs(t, msgpack.Codec.DecodeArgs(h, &all{}, nil), &syntax)
	require.Equal(t, 8, syntax.Offset)

	payload = []byte("\x94\xa1o\xa1m\x92\x93\xa1a\x91\x01\x80\x93\xa1b\x91\xc1\x80\xc0")
	h, err = msgpack.Codec.OpenCall(payload, nil)
	require.NoError(t, err)
	n := 0
	for entry, err := range msgpack.Codec.OpenBatch(h, nil) {
		if n++; n == 1 {
			require.NoError(t, err)
			require.Equal(t, "a", string(entry.Method))
			entry.Rest = []byte("\x91\xc1\x80") // what came there, had it been wrong
			require.ErrorAs(t, msgpack.Codec.DecodeArgs(entry, &all{}, nil), &syntax)
			require.Equal(t, 10, syntax.Offset)
			continue
		}
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, 16, syntax.Offset)
	}
	require.Equal(t, 2, n)

	for _, payload := range []string{
		"\x94\xa1o\xa1m\x90\x80\x00", "\x94\xa1o\xa1m\x90", "\x93\xa1o\xa1m\x90", "\x95\xa1o\xa1m\x90\x80\xc0", "\x94\xc4\x01o\xa1m\x90\x80",
		"\x94\xd7\x33\x01\x00\x00\x00\x00\x00\x00\x00\xa1m\x90\x80", "\x94\xa1o\xa1m\x80\x80", "\x94\xa1o\xa1m\x90\x81\x01\x01", "\x94\xa1o\xa1m\x90\x90",
	} {
		h, err := msgpack.Codec.OpenCall([]byte(payload), nil)
		if err == nil {
			err = msgpack.Codec.DecodeArgs(h, &all{}, nil)
		}
		require.Error(t, err, "%q", payload)
	}
}

// A key that equals nothing keeps its place when its value is converted.
func TestInstancesUnderNaN(t *testing.T) {
	data := []byte("\x81\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x81\xa9__class__\xa1c")
	var d codec.Dict
	require.NoError(t, msgpack.Codec.Unmarshal(data, &d, &codec.Options{Lenient: true}))
	require.Equal(t, 1, d.Len())
	var v any
	require.NoError(t, msgpack.Codec.Unmarshal(data, &v, &codec.Options{Lenient: true}))
	all, _ := v.(*codec.Dict)
	require.Equal(t, 1, all.Len())
	for _, x := range all.All() {
		require.IsType(t, codec.Object{}, x)
	}
}
