package pickle_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	var v any // as a pickle brings it
	data := fmt.Sprintf("\x80\x04cdatetime\ntime\nC\x06\x00\x00\x00\x00\x00\x00cbuiltins\ngetattr\nczoneinfo\nZoneInfo\n\x8c\x09_unpickle\x86R\x8c%c%s\x88\x86R\x86R.", len(name), name)
	require.NoError(t, pickle.Unmarshal([]byte(data), &v))
	require.IsType(t, codec.TimeOfDay{}, v)
	return v.(codec.TimeOfDay).Zone
}

func TestRoundTrip(t *testing.T) {
	amsterdam := zone(t, "Europe/Amsterdam")
	require.Equal(t, "Europe/Amsterdam", amsterdam.String())
	huge := new(big.Int).Lsh(big.NewInt(1), 3000)
	object := func(r *codec.Reduction, attrs map[string]any) codec.Object {
		return codec.Object{Class: "shapes.A", Attrs: attrs, Reduction: r}
	}
	none := map[string]any{}
	for name, v := range map[string]any{
		"ints": []any{
			int64(0), int64(-1), int64(255), int64(256), int64(65535), int64(65536), int64(-128), int64(-129),
			int64(math.MaxInt32), int64(math.MaxInt32 + 1), int64(math.MinInt32), int64(math.MinInt32 - 1), int64(math.MaxInt64),
			int64(math.MinInt64), new(big.Int).SetUint64(math.MaxUint64), new(big.Int).SetUint64(1 << 63),
			new(big.Int).Sub(big.NewInt(math.MinInt64), big.NewInt(1)), huge, new(big.Int).Neg(huge),
		},
		"floats":        []any{0.0, math.Copysign(0, -1), 1.5, math.Inf(1), math.Inf(-1), 5e-324},
		"complex":       complex(1.5, math.Copysign(0, -1)),
		"text":          []any{"", "a\n\\", "é☃😀", "\xed\xa0\x80", string(make([]byte, 256))},
		"bytes":         []any{[]byte{}, []byte("a\xff\x00"), make([]byte, 256)},
		"tuples":        []any{codec.Tuple{}, codec.Tuple{nil}, codec.Tuple{nil, true}, codec.Tuple{1.5, "", nil}, codec.Tuple{nil, nil, nil, nil}},
		"sets":          []any{codec.NewSet(), codec.NewSet(int64(1), "a"), codec.NewFrozenSet(), codec.NewFrozenSet(codec.Tuple{"a"})},
		"sets in sets":  codec.NewSet(codec.NewFrozenSet(), codec.NewFrozenSet(int64(1), codec.NewFrozenSet("x"))),
		"dicts":         []any{map[string]any{}, map[string]any{"a": nil}, codec.NewDict(int64(1), "a", codec.NewFrozenSet(), nil, codec.Tuple{}, true)},
		"time":          time.Date(2020, 2, 29, 13, 14, 15, 678000, codec.Naive),
		"time of UTC":   time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"time of zone":  time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.FixedZone("", -5400)),
		"time of name":  time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600)),
		"summer":        time.Date(2020, 7, 1, 0, 0, 0, 0, amsterdam),
		"before fold":   time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC).In(amsterdam),
		"after fold":    time.Date(2020, 10, 25, 1, 30, 0, 0, time.UTC).In(amsterdam),
		"date":          codec.Date{Year: 2020, Month: 2, Day: 29},
		"clock":         codec.TimeOfDay{Hour: 23, Minute: 59, Second: 58, Microsecond: 999999},
		"clock of UTC":  codec.TimeOfDay{Hour: 1, Zone: time.UTC},
		"clock of zone": codec.TimeOfDay{Hour: 1, Zone: time.FixedZone("", 60)},
		"spans":         []any{time.Duration(0), -time.Microsecond, 24 * time.Hour, -36 * time.Hour, time.Duration(math.MaxInt64).Truncate(24 * time.Hour)},
		"decimals":      []any{codec.Decimal("1.50"), codec.Decimal("-0"), codec.Decimal("NaN"), codec.Decimal("-Infinity"), codec.Decimal("1E+1000")},
		"uuids":         []any{uuid.UUID{}, uuid.UUID{15: 1}, uuid.MustParse("ffffffff-ffff-ffff-ffff-ffffffffffff")},
		"arrays": []any{
			codec.ArrayOf([]int8{-128, 127}), codec.ArrayOf([]uint8{255}), codec.ArrayOf([]int16{-2}), codec.ArrayOf([]uint16{65535}),
			codec.ArrayOf([]int32{-3}), codec.ArrayOf([]uint32{math.MaxUint32}), codec.ArrayOf([]int64{math.MinInt64}),
			codec.ArrayOf([]uint64{math.MaxUint64}), codec.ArrayOf([]float32{1.5}), codec.ArrayOf([]float64{-2.5}), codec.ArrayOf([]float64{}),
			codec.Array{Code: 'l', Values: []int64{1}},
			codec.Array{Code: 'L', Values: []uint64{1}},
			codec.Array{Code: 'u', Values: "é😀"},
			codec.Array{Code: 'w', Values: "\xed\xa0\x80"},
		},
		"globals": []any{codec.Global("builtins.Ellipsis"), codec.Global("shapes.f"), codec.Global("shapes:Color.RED")},
		"ndarrays": []any{
			codec.NDArrayOf([]uint16{1, 2, 3, 4, 5, 6}, 2, 3), codec.NDArrayOf([]float64{}), codec.NDArrayOf([]bool{true}, 1, 1, 1),
			codec.NDArray{DType: ">f8", Data: make([]byte, 8)},
			codec.NDArray{DType: "<U2", Shape: []int{}, Data: make([]byte, 8)},
			codec.NDArray{DType: "<u2", Shape: []int{2, 2}, FortranOrder: true, Data: make([]byte, 8)},
			codec.NDArray{DType: "<M8[ns]", Shape: []int{0, 3}, Data: []byte{}},
			codec.NDArray{DType: "[('x', '<f4'), (('T', 'y'), '>i2', (2,))]", Shape: []int{1}, Data: make([]byte, 8)},
			codec.NDArray{DType: "[('it\\'s', [('a\\x01', '|i1')]), ('é', '|V3')]", Shape: []int{1}, Data: make([]byte, 4)},
			codec.NDArray{
				DType: "{'names': ['x', 'y'], 'formats': ['|i1', '<i8'], 'offsets': [0, 8], 'titles': ['T', None], 'itemsize': 16, 'aligned': True}",
				Shape: []int{1}, Data: make([]byte, 16),
			},
		},
		"instance":          object(nil, map[string]any{"a": int64(1), "b": "x"}),
		"without a state":   object(nil, none),
		"empty state":       object(&codec.Reduction{Args: codec.Tuple{}, State: map[string]any{}}, none),
		"state":             object(&codec.Reduction{Args: codec.Tuple{}, State: codec.Tuple{int64(1), "s"}}, none),
		"slots":             object(&codec.Reduction{Args: codec.Tuple{}, State: codec.Tuple{nil, map[string]any{"s": int64(1)}}}, map[string]any{"s": int64(1)}),
		"arguments":         object(&codec.Reduction{Args: codec.Tuple{int64(1)}}, map[string]any{"a": nil}),
		"keyword arguments": object(&codec.Reduction{Args: codec.Tuple{}, Kwargs: codec.NewDict("k", nil)}, none),
		"call":              object(&codec.Reduction{Call: true, Args: codec.Tuple{int64(1), "x"}}, none),
		"items and pairs": object(&codec.Reduction{
			Call: true, Args: codec.Tuple{}, Items: []any{int64(1), nil}, Pairs: codec.NewDict("a", int64(1)),
		}, map[string]any{"x": nil}),
		"nested class":    codec.Object{Class: "shapes:Outer.Inner", Attrs: map[string]any{"a": nil}},
		"reconstructed":   codec.Object{Class: "copyreg._reconstructor", Attrs: none, Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{codec.Global("shapes.P"), codec.Global("builtins.tuple"), codec.Tuple{int64(1)}}}},
		"instances in it": object(nil, map[string]any{"a": []any{object(nil, map[string]any{"b": object(&codec.Reduction{Args: codec.Tuple{object(nil, none)}}, none)})}}),
		"object array": codec.Object{Class: "numpy.core.multiarray._reconstruct", Attrs: none, Reduction: &codec.Reduction{
			Call: true, Args: codec.Tuple{codec.Global("numpy.ndarray"), codec.Tuple{int64(0)}, []byte("b")},
			State: codec.Tuple{int64(1), codec.Tuple{int64(1)}, codec.Object{Class: "numpy.dtype", Attrs: none, Reduction: &codec.Reduction{
				Call: true, Args: codec.Tuple{"O8", false, true}, State: codec.Tuple{int64(3), "|", nil, nil, nil, int64(-1), int64(-1), int64(63)},
			}}, false, []any{"a"}},
		}},
	} {
		for protocol := 2; protocol <= 5; protocol++ {
			t.Run(fmt.Sprint(name, " ", protocol), func(t *testing.T) {
				o := &codec.Options{PickleProtocol: protocol, PickleCalls: true}
				data, err := pickle.Codec.Append(nil, v, o)
				require.NoError(t, err)
				var got any
				require.NoError(t, pickle.Codec.Unmarshal(data, &got, o))
				if want, ok := v.(time.Time); ok {
					require.True(t, want.Equal(got.(time.Time)), got)
					require.Equal(t, want.Location().String(), got.(time.Time).Location().String())
					return
				}
				require.Equal(t, describe(v), describe(got))
				again, err := pickle.Codec.Append(nil, got, o)
				require.NoError(t, err)
				require.Equal(t, string(data), string(again))
			})
		}
	}
}

// Instances among keys are pointers, and numpy's numbers plain ones.
func TestKeys(t *testing.T) {
	var d codec.Dict
	require.NoError(t, pickle.Unmarshal([]byte("\x80\x04}(cshapes\nPoint\nK\x01\x85\x81\x8c\x01pcnumpy.core.multiarray\nscalar\n"+
		"cnumpy\ndtype\n\x8c\x03<i8\x85RC\x08\x05\x00\x00\x00\x00\x00\x00\x00\x86R\x8c\x01ncshapes\nColor\nK\x01\x85R\x85\x8c\x01tu."), &d))
	var keys []any
	for k := range d.Keys() {
		keys = append(keys, k)
	}
	require.Equal(t, "shapes.Point", keys[0].(*codec.Object).Class)
	require.Equal(t, int64(5), keys[1])
	require.Equal(t, "shapes.Color", keys[2].(codec.Tuple)[0].(*codec.Object).Class)
	_, err := pickle.Codec.Append(nil, &d, calls)
	require.NoError(t, err)
	for _, key := range []any{[]int{1}, map[string]int{}, struct{ A int }{}} {
		_, err := pickle.Marshal(codec.NewSet(&key))
		require.ErrorContains(t, err, "unhashable")
	}
}

func TestRefused(t *testing.T) {
	for name, v := range map[string]any{
		"year 0":           time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"year 10000":       codec.Date{Year: 10000, Month: 1, Day: 1},
		"hour 24":          codec.TimeOfDay{Hour: 24},
		"offset":           time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", 86400)),
		"decimal":          codec.Decimal("x"),
		"array":            codec.Array{Code: 'h', Values: []int8{1}},
		"array code":       codec.Array{Code: 'x', Values: []int8{1}},
		"array of text":    codec.Array{Code: 'u', Values: []int8{1}},
		"dtype":            codec.NDArray{DType: "<q", Shape: []int{}, Data: nil},
		"dtype of objects": codec.NDArray{DType: "|O8", Shape: []int{1}, Data: make([]byte, 8)},
		"dtype in records": codec.NDArray{DType: "[('a', '|O8')]", Shape: []int{1}, Data: make([]byte, 8)},
		"dtype with code":  codec.NDArray{DType: "[('a', 'i4', eval('1'))]", Shape: []int{1}, Data: make([]byte, 4)},
		"shape":            codec.NDArray{DType: "<u2", Shape: []int{2}, Data: make([]byte, 3)},
		"negative shape":   codec.NDArray{DType: "<u2", Shape: []int{-1}, Data: nil},
		"class":            codec.Object{Class: "A"},
		"class and more":   codec.Object{Class: "a.b\nN"},
		"module":           codec.Object{Class: "a-b.C"},
		"attribute":        codec.NewDict("__class__", "a.B", 1, nil),
		"proxy":            codec.NewDict("__class__", "Pyro4.core.Proxy", "state", codec.Tuple{"PYRO:x@y:1"}),
		"URI of a proxy":   codec.NewDict("__class__", "Pyro4.core.Proxy", "state", codec.Tuple{"x", nil, nil, nil, nil, nil, nil, nil}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pickle.Marshal(v)
			var refused *codec.EncodeError
			require.ErrorAs(t, err, &refused)
		})
	}
	for _, protocol := range []int{-1, 1, 6} {
		_, err := pickle.Codec.Append(nil, 1, &codec.Options{PickleProtocol: protocol})
		require.ErrorContains(t, err, "want 2 to 5")
	}
}

func TestSyntax(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":             "",
		"no end":              "N",
		"empty stack":         ".",
		"unknown opcode":      "\xff.",
		"protocol 6":          "\x80\x06N.",
		"short frame":         "\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00N.",
		"underflow":           "N\x86.",
		"below a mark":        "N(\x85.",
		"no STOP":             "\x80\x04]\x94",
		"huge frame":          "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
		"length below 0":      "\x80\x02\x8b\xff\xff\xff\xffabc.",
		"EXT1":                "\x80\x02\x82\x01.",
		"EXT2":                "\x80\x02\x83\x01\x00.",
		"EXT4":                "\x80\x02\x84\x01\x00\x00\x00.",
		"PERSID":              "Pname\n.",
		"BINPERSID":           "\x80\x02NQ.",
		"NEXT_BUFFER":         "\x80\x05\x97.",
		"READONLY_BUFFER":     "\x80\x05C\x01a\x98.",
		"no mark":             "Nt.",
		"no memo":             "h\x00.",
		"no such index":       "N\x94h\x01.",
		"index in words":      "gx\n.",
		"negative index":      "Np-1\n.",
		"no index":            "Np\n.",
		"index too long":      "Np0000000001\n.",
		"odd dict":            "(Nd.",
		"odd items":           "}(Nu.",
		"append to an int":    "K\x01Na.",
		"add to a list":       "\x80\x04](N\x90.",
		"state of a list":     "]}b.",
		"two states":          "\x80\x04ca\nB\n)\x81}b}b.",
		"arguments a list":    "ca\nB\n]R.",
		"new without a class": "\x80\x02N)\x81.",
		"names that are ints": "\x80\x04K\x01K\x02\x93.",
		"text not UTF-8":      "X\x01\x00\x00\x00\xff.",
		"name not UTF-8":      "c\xff\nx\n.",
		"int":                 "Ix\n.",
		"int with a base":     "I0x10\n.",
		"float":               "Fx\n.",
		"STRING unquoted":     "Sabc\n.",
		"STRING escape":       "S'\\x1'\n.",
		"UNICODE escape":      "V\\u12\n.",
		"line without an end": "I1",
		"unhashable key":      "}]Ns.",
		"set as a key":        "\x80\x04}\x8fNs.",
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			err := pickle.Unmarshal([]byte(data), &v)
			var (
				syntax *codec.SyntaxError
				typ    *codec.TypeError
			)
			require.True(t, errors.As(err, &syntax) || errors.As(err, &typ), "%v gives %v, %v", data, v, err)
		})
	}
}

// What old protocols and old Pythons write, that no vector has.
func TestOldForms(t *testing.T) {
	for data, want := range map[string]string{
		"I01\n.":                               "bool true",
		"I00\n.":                               "bool false",
		"I-5\n.":                               "int -5",
		"L5L\n.":                               "int 5",
		"L-12345678901234567890L\n.":           "int -12345678901234567890",
		"\x80\x02\x8a\x00.":                    "int 0",
		"\x80\x02\x8a\x02\x00\x80.":            "int -32768",
		"F1e400\n.":                            "float +Inf",
		"F-inf\n.":                             "float -Inf",
		`S"it's\x41\101\n\q"` + "\n.":          "str it'sAA\n\\q",
		"S'\\xff'\n.":                          "bytes ff",
		`V\u0041\\u0041\U0001f600` + "\xe9\n.": "str A\\\\u0041😀é",
		"U\x02\xc3\xa9.":                       "bytes c3a9",
		"T\x02\x00\x00\x00ab.":                 "str ab",
		"(I1\nI2\nl.":                          "list int 1;int 2;",
		"I1\n.I2\n.":                           "int 1", // what follows is another pickle
		"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.": "None", // a frame is no more than a hint
		"cmod\xc3\xbcl\nKl\xc3\xa4sse\n.":                "global mod\u00fcl.Kl\u00e4sse",
		"(S'a'\nI1\nd.":                                  "dict str a=int 1;",
		"]p0\nI1\nag0\n\x85.":                            "tuple list int 1;;",
		"c__builtin__\nset\n((lI1\natR.":                 "set int 1;",
		"c__builtin__\nxrange\n(I3\ntR.":                 "instance builtins.range ",
		"(ishapes\nA\np0\n(dS'x'\nI1\nsb.":               "instance shapes.A x=int 1;",
		"ccopy_reg\n_reconstructor\n(cshapes\nA\nc__builtin__\nobject\nNtR(dS'x'\nI1\nsb.": "instance shapes.A x=int 1;",
		"ccopy_reg\n_reconstructor\n(cshapes\nA\nc__builtin__\nlist\n(lI1\natR.":           "instance shapes.A ",
		"ccollections\nOrderedDict\n((l(lS'b'\naI1\naatR.":                                 "dict str b=int 1;",
		"cexceptions\nStandardError\n(S'x'\ntR.":                                           "instance builtins.Exception __exception__=bool true;args=tuple str x;;attributes=dict ;",
		"carray\narray\n(S'c'\n(lS'a'\natR.":                                               "instance array.array ",
	} {
		t.Run(data, func(t *testing.T) {
			var v any
			require.NoError(t, pickle.Unmarshal([]byte(data), &v))
			require.Equal(t, want, describe(v))
		})
	}
}

func TestTyped(t *testing.T) {
	type item struct {
		Name  string    `pyro:"name"`
		Price float64   `pyro:"price"`
		At    time.Time `pyro:"at"`
	}
	type order struct {
		Items []item            `pyro:"items"`
		Sum   codec.Decimal     `pyro:"sum"`
		Frame [][]uint16        `pyro:"frame"`
		Raw   codec.NDArray     `pyro:"raw"`
		Took  float64           `pyro:"took"`
		Text  string            `pyro:"text"`
		Names map[string]string `pyro:"names"`
		N     int               `pyro:"n"`
		Any   any               `pyro:"any"`
		Obj   codec.Object      `pyro:"obj"`
	}
	frame := codec.NDArrayOf([]uint16{1, 2, 3, 4, 5, 6}, 2, 3)
	at := time.Date(2020, 2, 29, 0, 0, 0, 0, codec.Naive)
	slots := &codec.Reduction{State: codec.Tuple{nil, map[string]any{"name": "s"}}}
	data, err := pickle.Marshal(codec.NewDict(
		"items", []any{
			codec.Object{Class: "shop.Item", Attrs: map[string]any{"name": "tea", "price": 1.5, "at": at}},
			codec.Object{Class: "shop.Slots", Reduction: slots},
		},
		"sum", codec.Decimal("1.50"), "frame", frame, "raw", frame, "took", 90*time.Second, "text", codec.Decimal("2.0"),
		"names", codec.NewDict("a", "b"), "n", codec.NDArray{DType: "<i8", Data: []byte{5, 0, 0, 0, 0, 0, 0, 0}},
		"any", codec.Decimal("3"), "obj", codec.Object{Class: "shop.Slots", Reduction: slots},
	))
	require.NoError(t, err)
	var got order
	require.NoError(t, pickle.Unmarshal(data, &got))
	require.Equal(t, item{"tea", 1.5, at}, got.Items[0])
	require.Equal(t, "s", got.Items[1].Name)
	require.Equal(t, codec.Decimal("1.50"), got.Sum)
	require.Equal(t, [][]uint16{{1, 2, 3}, {4, 5, 6}}, got.Frame)
	require.Equal(t, frame, got.Raw)
	require.InDelta(t, 90, got.Took, 0)
	require.Equal(t, "2.0", got.Text)
	require.Equal(t, 5, got.N)
	require.Equal(t, codec.Decimal("3"), got.Any)
	require.Equal(t, slots.State, got.Obj.Reduction.State)
}

type point struct {
	X int64 `pyro:"x"`
	Y int64 `pyro:"y"`
}

// A registered class gets the instance as a class dict, whatever makes it.
func TestRegistered(t *testing.T) {
	r := codec.NewRegistry()
	codec.RegisterType[point](r, "shapes.Slots")
	var seen *codec.Dict
	r.RegisterDecoder("shapes.Point", func(_ string, attrs *codec.Dict) (any, error) {
		seen = attrs
		return "a point", nil
	})
	o := &codec.Options{Registry: r}
	var v any
	require.NoError(t, pickle.Codec.Unmarshal([]byte("\x80\x04]cshapes\nSlots\n)\x81N}(\x8c\x01xK\x01\x8c\x01yK\x02u\x86ba."), &v, o))
	require.Equal(t, []any{point{1, 2}}, v)
	require.NoError(t, pickle.Codec.Unmarshal([]byte("\x80\x04cshapes\nPoint\nK\x01K\x02\x86\x81(K\x03e(K\x04K\x05uK\x06b."), &v, o))
	require.Equal(t, "a point", v)
	require.Equal(t, describe(codec.NewDict("args", codec.Tuple{int64(1), int64(2)}, "items", []any{int64(3)}, "pairs",
		codec.NewDict(int64(4), int64(5)), "state", int64(6))), describe(seen))
	data, err := pickle.Codec.Append(nil, point{3, 4}, o)
	require.NoError(t, err)
	require.NoError(t, pickle.Codec.Unmarshal(data, &v, nil))
	require.Equal(t, codec.Object{Class: "shapes.Slots", Attrs: map[string]any{"x": int64(3), "y": int64(4)}}, v)
}

func TestShareInput(t *testing.T) {
	data, err := pickle.Marshal([]any{[]byte("abc"), codec.NDArrayOf([]uint8{1, 2, 3})})
	require.NoError(t, err)
	read := func(o *codec.Options) ([]byte, []byte) {
		var v []any
		require.NoError(t, pickle.Codec.Unmarshal(data, &v, o))
		return v[0].([]byte), v[1].(codec.NDArray).Data
	}
	own, ownData := read(nil)
	shared, sharedData := read(&codec.Options{ShareInput: true})
	clear(data)
	require.Equal(t, []byte("abc"), own)
	require.Equal(t, []byte{1, 2, 3}, ownData)
	require.Equal(t, []byte{0, 0, 0}, shared)
	require.Equal(t, []byte{0, 0, 0}, sharedData)
	require.Equal(t, 3, cap(shared))
}

// What a call is found to call at once is what it calls in the end, or nobody gets its arguments.
func TestCallThatChanges(t *testing.T) {
	for name, data := range map[string]string{
		"put away":       "\x80\x04(\x8c\x03obj\x8c\x04safe00\x8c\x03obj\x8c\x04evil)}t.",
		"mark put away":  "\x80\x04(\x8c\x03obj\x8c\x04safe1(\x8c\x03obj\x8c\x04evil)}t.",
		"another at end": "\x80\x04(\x8c\x03obj\x8c\x04safe)}t0(\x8c\x03obj\x8c\x04evil)}t.",
		"three":          "\x80\x04(\x8c\x03obj\x8c\x04safe)t.",
		"bytes":          "\x80\x04(\x8c\x03obj\x8c\x04safe00C\x03objC\x04safe)}t.",
	} {
		t.Run(name, func(t *testing.T) {
			h, err := pickle.Codec.OpenCall([]byte(data), nil)
			require.NoError(t, err)
			require.Equal(t, "safe", string(h.Method))
			var typ *codec.TypeError
			require.ErrorAs(t, pickle.Codec.DecodeArgs(h, nil, nil), &typ)
			for _, err := range pickle.Codec.OpenBatch(h, nil) {
				require.ErrorAs(t, err, &typ)
			}
		})
	}
}

// Calls as other picklers write them.
func TestCallForms(t *testing.T) {
	for name, data := range map[string]string{
		"protocol 0":    "(S'obj'\np0\nS'm'\np1\n(lp2\nI1\na(dp3\ntp4\n.",
		"protocol 2":    "\x80\x02(X\x03\x00\x00\x00objq\x00U\x01mq\x01]q\x02K\x01a}q\x03tq\x04.",
		"same text":     "\x80\x04\x8c\x01m\x940(\x8c\x03objh\x00K\x01\x85}t.",
		"tuple at last": "\x80\x04\x8c\x03obj\x8c\x01m(K\x01l}\x940000(\x8c\x03obj\x8c\x01m(K\x01l}t.",
	} {
		t.Run(name, func(t *testing.T) {
			h, err := pickle.Codec.OpenCall([]byte(data), nil)
			require.NoError(t, err)
			require.Equal(t, "obj", string(h.Object))
			require.Equal(t, "m", string(h.Method))
			var n oneInt
			require.NoError(t, pickle.Codec.DecodeArgs(h, &n, nil))
			require.Equal(t, 1, n.n)
		})
	}
}

// oneInt takes one positional argument.
type oneInt struct{ n int }

func (o *oneInt) Positional(int) (any, error) { return &o.n, nil }

func (*oneInt) Keyword(name []byte) (any, error) {
	return nil, errors.New("no keyword " + string(name))
}

func (*oneInt) None(bool) error { return errors.New("None") }

// One implementation has three names.
func TestNames(t *testing.T) {
	for name, c := range map[string]codec.Codec{"pickle": pickle.Codec, "dill": pickle.Dill, "cloudpickle": pickle.CloudPickle} {
		require.Equal(t, name, c.Name())
		known, err := codec.Named(name)
		require.NoError(t, err)
		require.Equal(t, c, known)
	}
}
