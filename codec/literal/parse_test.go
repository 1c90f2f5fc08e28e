package literal_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

func bigInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 0)
	if !ok {
		panic("no int: " + s)
	}
	return n
}

// What ast.literal_eval of Python 3.11 gives for the same texts.
func TestParseAsPython(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{"None", nil},
		{"True", true},
		{"False", false},
		{"...", codec.Global("builtins.Ellipsis")},
		{"0", int64(0)},
		{"000", int64(0)},
		{"-5", int64(-5)},
		{"+5", int64(5)},
		{"- 5", int64(-5)},
		{"-(5)", int64(-5)},
		{"1_000", int64(1000)},
		{"0x_ff", int64(255)},
		{"0o17", int64(15)},
		{"0B11", int64(3)},
		{"9223372036854775807", int64(math.MaxInt64)},
		{"9223372036854775808", bigInt("9223372036854775808")},
		{"-9223372036854775808", int64(math.MinInt64)},
		{"-9223372036854775809", bigInt("-9223372036854775809")},
		{"5.", 5.0},
		{".5", 0.5},
		{"1E+5", 1e5},
		{"1e-5", 1e-5},
		{"-0.0", math.Copysign(0, -1)},
		{"1e999", math.Inf(1)},
		{"4j", complex(0, 4)},
		{"3+4j", complex(3, 4)},
		{"(-1.5 - 2J)", complex(-1.5, -2)},
		{"(1)+(2j)", complex(1, 2)},
		{"''", ""},
		{`'it\'s'`, "it's"},
		{`"it's"`, "it's"},
		{`'''a"'b'''`, `a"'b`},
		{"'''a\r\nb'''", "a\nb"},
		{`'a' "b" u'c'`, "abc"},
		{"('a' # first\n 'b')", "ab"},
		{`r'\d'`, `\d`},
		{`r'\''`, `\'`},
		{`'\x41\u00e9\U0001f600\101\N{SNOWMAN}\q'`, "Aé\U0001f600A☃\\q"},
		{"'a\\\nb'", "ab"},
		{`'\ud800'`, "\xed\xa0\x80"},
		{"'ű'", "ű"},
		{`b'\x00a'`, []byte("\x00a")},
		{`b'a' Rb'\b'`, []byte(`a\b`)},
		{"[]", []any{}},
		{"[1, 'a', [2],]", []any{int64(1), "a", []any{int64(2)}}},
		{"()", codec.Tuple{}},
		{"(1)", int64(1)},
		{"(1,)", codec.Tuple{int64(1)}},
		{"1,", codec.Tuple{int64(1)}},
		{"1, 2 # two", codec.Tuple{int64(1), int64(2)}},
		{"{1}", codec.NewSet(int64(1))},
		{"{1, 1.0, True}", codec.NewSet(int64(1))},
		{"set()", codec.Set{}},
		{"{}", codec.NewDict()},
		{"{'b': 1, 'a': {2: None},}", codec.NewDict("b", int64(1), "a", codec.NewDict(int64(2), nil))},
		{"{(1, 'x'): 1}", codec.NewDict(codec.Tuple{int64(1), "x"}, int64(1))},
		{"{'__class__': 'float', 'value': 'nan'}", codec.NewDict("__class__", "float", "value", "nan")},
		{"{'data': 'eA==', 'encoding': 'base64'}", codec.NewDict("data", "eA==", "encoding", "base64")},
		{" \t1", int64(1)},
		{"# a comment\n[1, # one\n\n 2]\n", []any{int64(1), int64(2)}},
		{"[1,\\\n2]", []any{int64(1), int64(2)}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := literal.Parse(tt.in)
			require.NoError(t, err)
			requireSame(t, tt.want, got)
		})
	}
}

// What goes beyond ast.literal_eval.
func TestParseReprs(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	utc := time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC)
	tests := []struct {
		in   string
		want any
	}{
		{"nan", math.NaN()},
		{"[inf, -inf]", []any{math.Inf(1), math.Inf(-1)}},
		{"(nan-infj)", complex(math.NaN(), math.Inf(-1))},
		{"-4j", complex(0, -4)},
		{"(-0+1j)", complex(math.Copysign(0, -1), 1)},
		{"(1-0j)", complex(1, math.Copysign(0, -1))},
		{"Ellipsis", codec.Global("builtins.Ellipsis")},
		{"frozenset()", codec.Set{Frozen: true}},
		{"frozenset({1, 2})", codec.NewFrozenSet(int64(1), int64(2))},
		{"{frozenset({1}): 2}", codec.NewDict(codec.NewFrozenSet(int64(1)), int64(2))},
		{"set([1, (2,)])", codec.NewSet(int64(1), codec.Tuple{int64(2)})},
		{`bytearray(b'\x00')`, []byte{0}},
		{"bytearray()", []byte{}},
		{"OrderedDict([('b', 1), ('a', 2)])", codec.NewDict("b", int64(1), "a", int64(2))},
		{"collections.OrderedDict({'b': 1})", codec.NewDict("b", int64(1))},
		{"OrderedDict()", codec.NewDict()},
		{"Decimal('1.50')", codec.Decimal("1.50")},
		{"decimal.Decimal(-5)", codec.Decimal("-5")},
		{
			"UUID('12345678-1234-5678-1234-567812345678')",
			uuid.MustParse("12345678-1234-5678-1234-567812345678"),
		},
		{"array('d', [1, 2.5])", codec.ArrayOf([]float64{1, 2.5})},
		{"array.array('Q', [18446744073709551615])", codec.ArrayOf([]uint64{math.MaxUint64})},
		{"array('l', [-1])", codec.Array{Code: 'l', Values: []int64{-1}}},
		{"array('b')", codec.ArrayOf([]int8{})},
		{"array('u', 'a☃')", codec.Array{Code: 'u', Values: "a☃"}},
		{"datetime.date(2020, 2, 29)", codec.Date{Year: 2020, Month: 2, Day: 29}},
		{"datetime.date(day=1, year=1, month=1)", codec.Date{Year: 1, Month: 1, Day: 1}},
		{"datetime.time(13, 14)", codec.TimeOfDay{Hour: 13, Minute: 14}},
		{
			"datetime.time(0, 0, 1, 2, tzinfo=datetime.timezone.utc, fold=1)",
			codec.TimeOfDay{Second: 1, Microsecond: 2, Zone: time.UTC, Fold: true},
		},
		{"datetime.datetime(2020, 2, 29, 13, 14)", time.Date(2020, 2, 29, 13, 14, 0, 0, codec.Naive)},
		{
			"datetime.datetime(2020, 2, 29, 13, 14, 15, 678, tzinfo=datetime.timezone.utc)",
			time.Date(2020, 2, 29, 13, 14, 15, 678000, time.UTC),
		},
		{
			"datetime.datetime(2020, 2, 29, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400), 'EST'))",
			time.Date(2020, 2, 29, 0, 0, 0, 0, time.FixedZone("EST", -5*3600)),
		},
		{"datetime.datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))", utc.In(berlin)},
		{
			"datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))",
			utc.Add(time.Hour).In(berlin),
		},
		{"datetime.timedelta(0)", time.Duration(0)},
		{"datetime.timedelta(days=-1, seconds=86399, microseconds=999999)", -time.Microsecond},
		{"datetime.timedelta(hours=1.5, weeks=1)", 169*time.Hour + 30*time.Minute},
		{"{\n    'at': datetime.date(\n 2020, 1, 2, ),\n}", codec.NewDict("at", codec.Date{Year: 2020, Month: 1, Day: 2})},
		{"\n\n  [1,\n  2]\n  ", []any{int64(1), int64(2)}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := literal.Parse(tt.in)
			require.NoError(t, err)
			requireSame(t, tt.want, got)
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "line 1, column 1: expected a value, found the end"},
		{"  # nothing\n", "line 2, column 1: expected a value, found the end"},
		{"[1, 2", "line 1, column 1: expected ']' somewhere to close this bracket"},
		{"{'a': (1,\n 2}", "line 2, column 3: expected ',' or ')', found '}'"},
		{"[1 2]", "line 1, column 4: expected ',' or ']', found '2'"},
		{"[1,, 2]", "line 1, column 4: expected a value, found ','"},
		{"(,)", "line 1, column 2: expected a value, found ','"},
		{"[1]]", "line 1, column 4: expected the end, found ']'"},
		{"1 2", "line 1, column 3: expected the end, found '2'"},
		{"'a'\n'b'", "line 2, column 1: expected the end, found \"'\""},
		{"['é', x]", "line 1, column 7: expected a value, found the name 'x': text goes in quotes"},
		{"[1,\r\n true]", "line 2, column 2: expected a value, found true, which Python spells True"},
		{"null", "line 1, column 1: expected a value, found null, which Python spells None"},
		{"1 + 2", "line 1, column 5: expected an imaginary number after '+', as in 3+4j: nothing is calculated"},
		{"1j + 2j", "line 1, column 1: expected a real number before '+', as in 3+4j"},
		{"--5", "line 1, column 2: expected a number after '-'"},
		{"-True", "line 1, column 2: expected a number after '-'"},
		{"~5", "line 1, column 1: expected a value, found '~'"},
		{"'abc", "line 1, column 1: expected a closing quote to the string that begins here"},
		{"'a\nb'", "line 1, column 1: expected a closing quote to the string that begins here"},
		{"'a' b'c'", "line 1, column 5: expected a string, found this: cannot mix bytes and str"},
		{`['ab\x4']`, "line 1, column 5: expected a string, found this: truncated escape"},
		{"f'{x}'", "line 1, column 1: expected a string, found one with the prefix f, not with r, b, br or u"},
		{"0123", "line 1, column 1: expected a number, found '0123': leading zeros in a decimal number"},
		{"[1.2.3]", "line 1, column 2: expected a number, found '1.2.3'"},
		{"5L", "line 1, column 1: expected a number, found '5L'"},
		{"{1: 2, 3}", "line 1, column 9: expected ':' and the value of a key, found '}'"},
		{"{1, 2: 3}", "line 1, column 6: expected ',' or '}' in a set, found ':'"},
		{"{[1]: 2}", "line 1, column 2: expected a key of a dict, found a list, which cannot be one"},
		{"{1, {}}", "line 1, column 5: expected a member of a set, found a dict, which cannot be one"},
		{"{(1, {2}): 2}", "line 1, column 2: expected a key of a dict, found a tuple with a set in it, which cannot be one"},
		{"[*(1, 2)]", "line 1, column 2: expected a value, found '*'"},
		{"os.system('ls')", "line 1, column 1: expected a value, found a call of 'os.system': only a few classes are known, such as datetime.datetime, Decimal and UUID"},
		{"set({1}, 2)", "line 1, column 10: expected no more than 1 arguments of set"},
		{"set([[1]])", "line 1, column 1: set: want a hashable key, found list"},
		{"frozenset(5)", "line 1, column 1: frozenset: members: want a list, tuple or set, found 5"},
		{"bytearray('x')", "line 1, column 1: bytearray: data: want bytes, found 'x'"},
		{"OrderedDict([1])", "line 1, column 1: OrderedDict: items: want pairs of key and value, found 1"},
		{"Decimal('x')", "line 1, column 1: Decimal: value: want a decimal number, found 'x'"},
		{"Decimal(1.5)", "line 1, column 1: Decimal: value: want a str, found 1.5"},
		{"UUID(1)", "line 1, column 1: UUID: hex: want a str, found 1"},
		{"UUID('1')", "line 1, column 1: UUID: hex: want a UUID, found '1'"},
		{"array('x', [])", "line 1, column 1: array: code: want one of b B h H i I l L q Q f d u w, found 'x'"},
		{"array('B', [1, 256])", "line 1, column 1: array: items[1]: want a number of type uint8, found 256"},
		{"array('i', [1.0])", "line 1, column 1: array: items[0]: want a number of type int32, found 1.0"},
		{"datetime.date(2020, 2)", "line 1, column 1: datetime.date: day: want an int from 1 to 31, found nothing"},
		{"datetime.date(2021, 2, 29)", "line 1, column 1: datetime.date: day: want a day of that month, found 29"},
		{"datetime.time(24)", "line 1, column 1: datetime.time: hour: want an int from 0 to 23, found 24"},
		{"datetime.time(1, minutes=2)", "line 1, column 18: expected one of hour, minute, second, microsecond, tzinfo, fold, found 'minutes'"},
		{"datetime.time(minute=2, 1)", "line 1, column 25: expected name=value after another name=value"},
		{"datetime.time(1, hour=2)", "line 1, column 18: expected hour once, found it twice"},
		{"datetime.time(1, tzinfo='UTC')", "line 1, column 1: datetime.time: tzinfo: want a time zone, found 'UTC'"},
		{"datetime.datetime(2020, 1, 1, fold=1)", "line 1, column 1: datetime.datetime: fold: want 0 where there is no tzinfo, found 1"},
		{"datetime.timedelta(300 * 365)", "line 1, column 24: expected ',' or ')', found '*'"},
		{"datetime.timedelta(999999999)", "line 1, column 1: datetime.timedelta: days: want no more than 292 years, found 999999999"},
		{"datetime.timedelta(106751, 86399)", "line 1, column 1: datetime.timedelta: want no more than 292 years, found 106751 days"},
		{"datetime.timedelta(1e30)", "line 1, column 1: datetime.timedelta: days: want no more than 292 years, found 1e+30"},
		{"datetime.timedelta('1')", "line 1, column 1: datetime.timedelta: days: want a number, found '1'"},
		{"[datetime.timezone.utc]", "line 1, column 2: expected a value, found a time zone: it is only an argument, as in datetime.time(13, 14, tzinfo=datetime.timezone.utc)"},
		{
			"datetime.time(tzinfo=datetime.timezone(datetime.timedelta(days=1)))",
			"line 1, column 22: datetime.timezone: offset: want a timedelta of whole seconds below a day, found datetime.timedelta(days=1)",
		},
		{
			"datetime.time(tzinfo=zoneinfo.ZoneInfo('Local'))",
			"line 1, column 22: zoneinfo.ZoneInfo: key: want the name of a time zone that is known here, as Europe/Amsterdam, found 'Local'",
		},
		{
			"datetime.time(tzinfo=zoneinfo.ZoneInfo('../../etc/passwd'))",
			"line 1, column 22: zoneinfo.ZoneInfo: key: want the name of a time zone that is known here, as Europe/Amsterdam, found '../../etc/passwd'",
		},
		{"'a\x00'", "line 1, column 3: expected text, found a byte that is 0"},
		{"'a\xff'", "line 1, column 3: expected text, found a byte that is no UTF-8"},
		{"'\ufffd\xff'", "line 1, column 3: expected text, found a byte that is no UTF-8"},
		{"1\u00a0", "line 1, column 1: expected a number, found '1\\xa0'"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			_, err := literal.Parse(tt.in)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestParseErrorTypes(t *testing.T) {
	var (
		e      *literal.Error
		syntax *codec.SyntaxError
		typ    *codec.TypeError
		limit  *codec.LimitError
	)
	_, err := literal.Parse("[1,\n  x]")
	require.ErrorAs(t, err, &e)
	require.Equal(t, []int{2, 3, 6}, []int{e.Line, e.Column, e.Offset})
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, 6, syntax.Offset)
	_, err = literal.Parse("{[]: 1}")
	require.ErrorAs(t, err, &e)
	require.ErrorAs(t, err, &typ)
	_, err = literal.Parse("datetime.date(0, 1, 1)")
	require.ErrorAs(t, err, &typ)
	require.Equal(t, "year", typ.Path)
	_, err = literal.Parse(strings.Repeat("[", 201))
	require.ErrorAs(t, err, &limit)
	require.ErrorContains(t, err, "line 1, column 201: expected no more than 200 brackets inside each other")
	_, err = literal.Parse(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	require.NoError(t, err)
}

func TestParseLimitsDigits(t *testing.T) {
	nines := strings.Repeat("9", 4300)
	v, err := literal.Parse(nines)
	require.NoError(t, err)
	requireSame(t, bigInt(nines), v)
	_, err = literal.Parse(nines + "9")
	require.ErrorContains(t, err, "4300 digits")
	v, err = literal.Parse("-0x1" + strings.Repeat("0", 5000))
	require.NoError(t, err)
	require.Equal(t, 20001, v.(*big.Int).BitLen())
}

// An error shows where, not what: the text may be long, or hold commands to a terminal.
func TestParseErrorsAreShort(t *testing.T) {
	long := strings.Repeat("word", 1000)
	for _, in := range []string{
		long, "[1 " + long + "]", long + "(", "9" + long, "'\\N{" + long + "}'", "Decimal('" + long + "')",
		"UUID('" + long + "')", "array('" + long + "', [])", "array('d', ['" + long + "'])", "set('" + long + "')",
		"OrderedDict(['" + long + "'])", "datetime.date(" + long + "=1)", "datetime.date('" + long + "', 1, 1)",
		"datetime.time(tzinfo=zoneinfo.ZoneInfo('" + long + "'))", long + "'x'", strings.Repeat("9", 5000),
	} {
		_, err := literal.Parse(in)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 250, in[:20])
		require.NotContains(t, err.Error(), strings.Repeat("word", 15))
	}
	_, err := literal.Parse("\x1b[31m")
	require.ErrorContains(t, err, `'\x1b'`)
}
