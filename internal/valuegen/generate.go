package valuegen

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// ItemClass is the class of the instances that are made; integration/peers registers it.
const ItemClass = "values_classes.Item"

// Values returns a generator of values that c carries to Python, of the types that values are read
// into and of all others that codec has a name for.
func (c Carrier) Values() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		g := &generator{T: t, c: c, left: pick(t, 1, 3, 10, 30)}
		v := g.value(0)
		if g.chance(50) {
			return g.wrapped(v)
		}
		return v
	})
}

type generator struct {
	*rapid.T
	c     Carrier
	left  int  // values that may yet be made
	plain bool // within an instance, where Python turns nothing back
}

// pick returns one of options.
func pick[V any](t *rapid.T, options ...V) V { return rapid.SampledFrom(options).Draw(t, "pick") }

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.upTo(n) == 1 }

// upTo returns a number from 0 to n; shrinking makes it small.
func (g *generator) upTo(n int) int { return rapid.IntRange(0, n).Draw(g.T, "n") }

func (g *generator) value(depth int) any {
	g.left--
	if g.left <= 0 || depth > 8 {
		return g.scalar()
	}
	kinds := g.kinds()
	return kinds[g.upTo(len(kinds)-1)](depth + 1)
}

func (g *generator) scalar() any {
	switch g.upTo(4) {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(g.T, "bool")
	case 2:
		return g.int()
	case 3:
		return g.float()
	default:
		return g.text()
	}
}

// kinds returns what makes the values that can stand where the generator is.
func (g *generator) kinds() []func(depth int) any {
	scalar := func(int) any { return g.scalar() }
	kinds := []func(int) any{scalar, scalar, scalar, g.list, g.dict, g.namedDict, g.tuple, g.set, g.goMap}
	if g.c.Serializer != "json" {
		kinds = append(kinds, g.complex, g.bytes)
	}
	if g.c.Serializer == "marshal" || g.c.Pickles() {
		kinds = append(kinds, g.global)
	}
	if !g.plain || g.c.Serializer != "serpent" {
		kinds = append(kinds, g.time, g.date, g.timeOfDay, g.duration, g.decimal, g.uuid, g.array)
	}
	if !g.plain {
		kinds = append(kinds, g.object, g.exception, g.wrapper, g.uri)
	}
	if g.c.Pickles() {
		kinds = append(kinds, g.ndarray)
	}
	return kinds
}

// wrapped nests v deeply.
func (g *generator) wrapped(v any) any {
	for range g.upTo(120) {
		switch g.upTo(2) {
		case 0:
			v = []any{v}
		case 1:
			v = codec.Tuple{v}
		default:
			v = codec.NewDict("k", v)
		}
	}
	return v
}

// int returns an int64, or a *big.Int if it is beyond, near the limits of the forms that formats have.
func (g *generator) int() any {
	n := new(big.Int)
	switch g.upTo(3) {
	case 0:
		return int64(g.upTo(300))
	case 1:
		return rapid.Int64().Draw(g.T, "int64")
	case 2:
		n.Lsh(big.NewInt(1), pick[uint](g.T, 7, 8, 15, 16, 30, 31, 32, 53, 62, 63, 64, 65, 127, 128, 300))
	default:
		n.Exp(big.NewInt(10), big.NewInt(pick[int64](g.T, 18, 19, 20, 100, 1000, 4299)), nil)
	}
	n.Add(n, big.NewInt(int64(g.upTo(4)-2)))
	if rapid.Bool().Draw(g.T, "negative") {
		n.Neg(n)
	}
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func (g *generator) float() float64 {
	f := g.anyFloat()
	if f != f && g.plain && g.c.Serializer == "serpent" {
		return 0.5 // NaN is an instance there
	}
	return f
}

func (g *generator) anyFloat() float64 {
	switch g.upTo(3) {
	case 0:
		return pick(g.T, 0, math.Copysign(0, -1), 1, -1, 0.1, 1e15, 1e16, 1e17, 1e-4, 1e-5, 5e-324, 2.2250738585072014e-308,
			math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1e22, 1e23, 1<<53, 1<<63, math.MaxFloat32)
	case 1:
		return float64(g.upTo(1000)) / 8
	case 2:
		return math.Float64frombits(rapid.Uint64().Draw(g.T, "bits"))
	default:
		return rapid.Float64().Draw(g.T, "float64")
	}
}

// alphabets are what text is made of.
var alphabets = [][]rune{
	[]rune("abcdefghijklmnopqrstuvwxyz"),
	[]rune("ab '\"\\\n\r\t"),
	[]rune("\x00\x01\x02\x07\x08\x0b\x0c\x1b\x1f\x7f\u0080\u0085\u009f\u00a0\u00ad"),
	[]rune("áéßñøÿþ§ÿ"),
	[]rune("αβд\u4f60\u597dאب\u0301\u200b\u200d\u2028\u2029\u202e\ufeff\ufffd\uffff\ufdd0\ue000\u0378"),
	[]rune("😀👨\U00010000\U0001ffff\U000e0001\U000f0000\U0010ffff"),
}

const surrogates = "\xed\xa0\x80 \xed\xaf\xbf \xed\xb0\x80 \xed\xbf\xbf"

func (g *generator) text() string {
	if g.chance(100) {
		return strings.Repeat(pick(g.T, "x", "é", "'", "\\"), pick(g.T, 255, 256, 65535, 65536)/2+g.upTo(1))
	}
	if g.chance(30) && g.surrogates() {
		return pick(g.T, strings.Fields(surrogates)...) + g.name()
	}
	letters := pick(g.T, append(alphabets, slices.Concat(alphabets...))...)
	return rapid.StringOfN(rapid.SampledFrom(letters), 0, pick(g.T, 3, 10, 40), -1).Draw(g.T, "text")
}

// surrogates tells whether c carries lone ones.
func (g *generator) surrogates() bool {
	return g.c.Serializer != "msgpack"
}

// name returns text that can be an attribute's name.
func (g *generator) name() string {
	return rapid.StringOfN(rapid.SampledFrom([]rune("abcé_z")), 1, 4, -1).Draw(g.T, "name")
}

func (g *generator) complex(int) any {
	if g.c.Serializer == "serpent" { // its form has no sign for an imaginary zero, and no NaN
		f := func() float64 { return float64(g.upTo(1000)-500) / 4 }
		return complex(f(), f())
	}
	return complex(g.float(), g.float())
}

func (g *generator) bytes(int) any { return g.someBytes() }

func (g *generator) someBytes() []byte {
	n := pick(g.T, 0, 3, 16, 40)
	if g.chance(50) {
		n = pick(g.T, 255, 256, 65535, 65536)
		return []byte(strings.Repeat("\xff", n))
	}
	return rapid.SliceOfN(rapid.Byte(), 0, n).Draw(g.T, "bytes")
}

func (g *generator) items(depth int) []any {
	out := []any{}
	for range g.upTo(4) {
		out = append(out, g.value(depth))
	}
	return out
}

func (g *generator) list(depth int) any {
	if !g.chance(50) {
		return g.items(depth)
	}
	out := make([]any, pick(g.T, 16, 255, 256, 300))
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func (g *generator) tuple(depth int) any { return codec.Tuple(g.items(depth)) }

// key returns what can be the key of a dict or a member of a set.
func (g *generator) key(depth int) any {
	text := func(int) any { return g.text() }
	none := func(int) any { return nil }
	flag := func(int) any { return rapid.Bool().Draw(g.T, "bool") }
	number := func(int) any { return g.int() }
	makers := []func(int) any{text, text, number, g.floatKey, flag}
	switch g.c.Serializer {
	case "msgpack":
		makers = []func(int) any{text, text, g.bytes}
	case "json":
		makers = append(makers, none)
	case "serpent":
		makers = append(makers, g.tupleKey, g.complex, g.bytes)
	default:
		makers = append(makers, none, g.tupleKey, g.complex, g.frozenKey, g.bytes)
	}
	return makers[g.upTo(len(makers)-1)](depth)
}

// floatKey makes floats that serpent can write as keys: its NaN is a dict.
func (g *generator) floatKey(int) any {
	f := g.anyFloat()
	if f != f && g.c.Serializer == "serpent" {
		return 0.25
	}
	return f
}

func (g *generator) tupleKey(depth int) any {
	t := codec.Tuple{}
	for range g.upTo(2) {
		if depth < 10 {
			t = append(t, g.key(depth+1))
		}
	}
	return t
}

func (g *generator) frozenKey(depth int) any {
	s := codec.NewFrozenSet()
	for _, m := range g.tupleKey(depth).(codec.Tuple) { //nolint:forcetypeassert // it makes nothing else
		s.Add(m)
	}
	return s
}

func (g *generator) set(depth int) any {
	s := codec.Set{Frozen: rapid.Bool().Draw(g.T, "frozen")}
	for range g.upTo(4) {
		s.Add(g.key(depth))
	}
	return s
}

func (g *generator) dict(depth int) any {
	d := codec.NewDict()
	for range g.upTo(4) {
		d.Set(g.key(depth), g.value(depth))
	}
	return d
}

func (g *generator) namedDict(depth int) any {
	d := codec.NewDict()
	for range g.upTo(pick(g.T, 4, 12)) {
		d.Set(g.text(), g.value(depth))
	}
	return d
}

func (g *generator) goMap(depth int) any { return g.attributes(depth) }

func (g *generator) global(int) any {
	if g.c.Serializer == "marshal" {
		return pick(g.T, codec.Global("builtins.Ellipsis"), "builtins.StopIteration")
	}
	return pick(g.T, codec.Global("builtins.Ellipsis"), "builtins.NotImplemented", "builtins.int", "builtins.dict")
}

func (g *generator) date(int) any {
	year := pick(g.T, 1, 1582, 1900, 1969, 1970, 2000, 2024, 2038, 9999)
	return codec.Date{Year: year, Month: time.Month(1 + g.upTo(11)), Day: 1 + g.upTo(27)}
}

func (g *generator) timeOfDay(int) any {
	c := codec.TimeOfDay{Hour: g.upTo(23), Minute: g.upTo(59), Second: g.upTo(59), Microsecond: g.micros()}
	if zone := g.zone(); zone != codec.Naive {
		c.Zone = zone
	}
	return c
}

func (g *generator) micros() int { return pick(g.T, 0, 1, 10, 500000, 999999, g.upTo(999999)) }

func (g *generator) zone() *time.Location {
	switch g.upTo(3) {
	case 0:
		return codec.Naive
	case 1:
		return time.UTC
	case 2:
		return time.FixedZone("", 60*(g.upTo(2*1439)-1439))
	default:
		return time.FixedZone("odd", g.upTo(2*86399)-86399)
	}
}

func (g *generator) time(int) any {
	d, _ := g.date(0).(codec.Date)
	if g.c.Serializer == "msgpack" && (d.Year < 1800 || d.Year > 2200) {
		d.Year = 2001 // its float64 of seconds has no room for the microseconds of other centuries
	}
	return time.Date(d.Year, d.Month, d.Day, g.upTo(23), g.upTo(59), g.upTo(59), 1000*g.micros(), g.zone())
}

func (g *generator) duration(int) any {
	micros := pick(g.T, 0, 1, -1, 999999, -86400e6, 86400e6, int64(g.upTo(1e9)), 1<<53, -1<<53)
	return time.Duration(micros) * time.Microsecond
}

func (g *generator) decimal(int) any {
	return pick(g.T, codec.Decimal("0"), "-0", "0.00", "1.10", "1E+10", "-1E-10", "NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-Infinity",
		"3.14159265358979323846264338327950288419716939937510", "1E+999999", "-0E-7")
}

func (g *generator) uuid(int) any {
	var id uuid.UUID
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(g.T, "uuid"))
	return id
}

func (g *generator) array(int) any {
	n := g.upTo(4)
	switch g.upTo(10) {
	case 0:
		return codec.ArrayOf(drawn(g, rapid.Int8(), n))
	case 1:
		return codec.ArrayOf(drawn(g, rapid.Uint8(), n))
	case 2:
		return codec.ArrayOf(drawn(g, rapid.Int16(), n))
	case 3:
		return codec.ArrayOf(drawn(g, rapid.Uint16(), n))
	case 4:
		return codec.ArrayOf(drawn(g, rapid.Int32(), n))
	case 5:
		return codec.ArrayOf(drawn(g, rapid.Uint32(), n))
	case 6:
		return codec.ArrayOf(drawn(g, rapid.Int64(), n))
	case 7:
		return codec.ArrayOf(drawn(g, rapid.Uint64(), n))
	case 8:
		return codec.Array{Code: pick(g.T, byte('l'), 'q'), Values: drawn(g, rapid.Int64(), n)}
	case 9:
		return codec.ArrayOf(drawn(g, rapid.Custom(func(*rapid.T) float64 { return g.float() }), n))
	default:
		return codec.Array{Code: 'u', Values: rapid.StringOfN(rapid.SampledFrom(alphabets[5]), n, n, -1).Draw(g.T, "text")}
	}
}

func drawn[V any](g *generator, values *rapid.Generator[V], n int) []V {
	return rapid.SliceOfN(values, n, n).Draw(g.T, "elements")
}

// attributes are those of an instance, or a map.
func (g *generator) attributes(depth int) map[string]any {
	m := map[string]any{}
	for range g.upTo(3) {
		m[g.name()] = g.value(depth)
	}
	return m
}

// inside makes what stands in an instance: pickles turn back all, other serializers nothing.
func (g *generator) inside(fill func()) {
	defer func(before bool) { g.plain = before }(g.plain)
	g.plain = !g.c.Pickles()
	fill()
}

func (g *generator) object(depth int) any {
	o := codec.Object{Class: ItemClass}
	g.inside(func() { o.Attrs = g.attributes(depth) })
	return o
}

// exceptions are classes that take any argument.
var exceptions = []string{
	"builtins.ValueError", "builtins.KeyError", "builtins.TypeError", "builtins.RuntimeError", "builtins.StopIteration",
	"builtins.Exception", "builtins.ModuleNotFoundError", "builtins.TimeoutError", "builtins.FileNotFoundError",
	"builtins.UserWarning", "Pyro4.errors.NamingError", "Pyro5.errors.DaemonError", "Pyro5.errors.SecurityError",
	"Pyro4.errors.MessageTooLargeError",
}

func (g *generator) exception(depth int) any { return g.newError(depth) }

func (g *generator) newError(depth int) *transport.Error {
	e := &transport.Error{Class: pick(g.T, exceptions...), Args: []any{}}
	g.inside(func() {
		for range g.upTo(1) { // with more, some classes give them a meaning
			e.Args = append(e.Args, g.value(depth))
		}
		e.Attrs = g.attributes(depth)
	})
	if g.chance(3) {
		e.Traceback = []string{"Traceback (most recent call last):\n", g.text()}
	}
	return e
}

func (g *generator) wrapper(depth int) any { return &transport.BatchError{Err: g.newError(depth)} }

func (g *generator) uri(int) any {
	u, err := pyro.ParseURI(pick(g.T, "PYRO:obj@localhost:5555", "PYRO:é@[::1]:0", "PYRO:x@./u:/tmp/s", "PYRONAME:a.b",
		"PYRONAME:a@host:99", "PYRONAME:a@host", "PYROMETA:a,b", "PYROMETA:c@host"))
	if err != nil {
		panic(err) // they are all right
	}
	return u
}

// dtypes are spelled as numpy spells them; with the size of an element.
var dtypes = []struct {
	name string
	size int
}{
	{"|b1", 1},
	{"|i1", 1},
	{"|u1", 1},
	{"<i2", 2},
	{">u2", 2},
	{"<u2", 2},
	{"<i4", 4},
	{">i4", 4},
	{"<u8", 8},
	{"<f2", 2},
	{"<f4", 4},
	{">f8", 8},
	{"<c8", 8},
	{"<c16", 16},
	{"<M8[ns]", 8},
	{"<M8[D]", 8},
	{"<m8[ms]", 8},
	{"|V5", 5},
	{"|S3", 3},
}

func (g *generator) ndarray(int) any {
	t := pick(g.T, dtypes...)
	shape := pick(g.T, nil, []int{}, []int{0}, []int{1}, []int{5}, []int{2, 3}, []int{3, 0, 2}, []int{2, 1, 4}, []int{40, 50})
	n := t.size
	for _, d := range shape {
		n *= d
	}
	data := make([]byte, n)
	seed := g.upTo(255)
	for i := range data {
		data[i] = byte((i*7 + seed) & 0xff)
		if t.name == "|b1" {
			data[i] &= 1
		}
	}
	if t.name == "|S3" { // numpy takes zeros off the end of a scalar
		for i := range data {
			data[i] |= 1
		}
	}
	return codec.NDArray{DType: t.name, Shape: shape, FortranOrder: shape != nil && g.chance(3), Data: data}
}
