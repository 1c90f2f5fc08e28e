package pickle

import (
	"math"
	"math/big"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// knownClasses are the classes and functions whose instances are values in Go. Each returns ok false
// for what is not as Python writes it, which then stays an Object.
var knownClasses map[string]func(r *reader, n *node) (v any, ok bool, err error)

func init() { //nolint:gochecknoinits // the functions refer to the table: values hold values
	knownClasses = map[string]func(r *reader, n *node) (v any, ok bool, err error){
		"builtins.complex":   complexFrom,
		"builtins.set":       setFrom,
		"builtins.frozenset": setFrom,
		"builtins.bytes":     bytesFrom,
		"builtins.bytearray": bytesFrom,
		"_codecs.encode":     bytesFrom,

		"collections.OrderedDict": orderedDictFrom,
		"collections.defaultdict": defaultDictFrom,
		"collections.Counter":     orderedDictFrom,
		"collections.deque":       dequeFrom,

		"datetime.datetime":  datetimeFrom,
		"datetime.date":      dateFrom,
		"datetime.time":      timeFrom,
		"datetime.timedelta": timedeltaFrom,

		"decimal.Decimal":            decimalFrom,
		"uuid.UUID":                  uuidFrom,
		"array.array":                arrayFrom,
		"array._array_reconstructor": arrayFromBytes,

		"numpy.ndarray":                       ndarrayFromNew,
		"numpy.core.multiarray._reconstruct":  ndarrayFrom,
		"numpy._core.multiarray._reconstruct": ndarrayFrom,
		"numpy.core.multiarray.scalar":        numpyScalarFrom,
		"numpy._core.multiarray.scalar":       numpyScalarFrom,
		"numpy.core.numeric._frombuffer":      ndarrayFromBuffer,
		"numpy._core.numeric._frombuffer":     ndarrayFromBuffer,
	}
}

// isCall reports whether n is made by a call with few to most arguments, and nothing else.
func (n *node) isCall(few, most int) bool {
	x := n.more
	args := len(x.args.values())
	return x.call && args >= few && args <= most && x.state.kind == kindNothing && n.isUnfilled()
}

// float returns the float that v is.
func (r *reader) float(v value) (float64, bool) {
	return math.Float64frombits(v.n), v.kind == kindFloat
}

// int returns the int that v is, if it fits.
func (r *reader) int(v value) (int64, bool) {
	switch v.kind {
	case kindInt, kindBool:
		return int64(v.n), true //nolint:gosec // two's complement
	case kindLong:
		if n := r.shortInt(v); n != nil && n.IsInt64() {
			return n.Int64(), true
		}
	}
	return 0, false
}

// uint is int for an uint64.
func (r *reader) uint64(v value) (uint64, bool) {
	if v.kind == kindLong {
		n := r.shortInt(v)
		if n == nil || !n.IsUint64() {
			return 0, false
		}
		return n.Uint64(), true
	}
	n, ok := r.int(v)
	return uint64(n), ok && n >= 0 //nolint:gosec // checked
}

// shortInt returns the int v, or nil if it is longer than a UUID.
func (r *reader) shortInt(v value) *big.Int {
	const most = 17
	if v.size() > most {
		return nil
	}
	return r.intOf(v)
}

// string returns the text that v is.
func (r *reader) string(v value) (string, bool) {
	if !r.isText(v) {
		return "", false
	}
	return string(r.bytesOf(v)), true
}

// is reports whether v is text, of ASCII characters. It costs little, however long v is.
func (r *reader) is(v value, text string) bool {
	return (v.kind == kindText || v.kind == kindByteText) && string(r.bytesOf(v)) == text
}

func complexFrom(r *reader, n *node) (any, bool, error) {
	if !n.isCall(2, 2) {
		return nil, false, nil
	}
	args := n.more.args.values()
	re, ok1 := r.float(args[0])
	im, ok2 := r.float(args[1])
	return complex(re, im), ok1 && ok2, nil
}

func setFrom(r *reader, n *node) (any, bool, error) {
	frozen := nameOf(n.more.fn) == "builtins.frozenset"
	args := n.more.args.values()
	switch {
	case !n.isCall(0, 1):
		return nil, false, nil
	case len(args) == 0:
		return codec.Set{Frozen: frozen}, true, nil
	case args[0].kind < kindList || args[0].kind > kindFrozenSet:
		return nil, false, nil
	}
	members := args[0].p
	if err := r.open(members); err != nil {
		return nil, false, err
	}
	defer r.shut(members)
	s, err := r.setOf(members.items, frozen)
	return s, true, err
}

// bytesFrom makes bytes of the calls that mean them: in protocols below 3 there is no other way.
func bytesFrom(r *reader, n *node) (any, bool, error) {
	b, fresh, ok := r.bytesLike(value{kind: kindInstance, p: n})
	if ok && !fresh {
		b = r.keep(b)
	}
	return b, ok, nil
}

// bytesLike returns the bytes that v is, or that the call that it is means. They are a part of the data
// unless they are fresh.
func (r *reader) bytesLike(v value) (b []byte, fresh, ok bool) {
	if v.kind == kindBytes || v.kind == kindByteText {
		return r.bytesOf(v), false, true
	}
	if v.kind != kindInstance || !v.p.isCall(0, 2) {
		return nil, false, false
	}
	args := v.p.more.args.values()
	switch fn := nameOf(v.p.more.fn); {
	case (fn == "builtins.bytes" || fn == "builtins.bytearray") && len(args) == 0:
		return []byte{}, true, true
	case fn == "builtins.bytes" && len(args) == 1 && args[0].kind == kindBytes: // a memoryview of cloudpickle's
		b, ok = r.bytesOf(args[0]), true
	case fn == "builtins.bytearray" && len(args) == 1:
		if inner := args[0]; inner.kind == kindInstance && nameOf(inner.p.more.fn) == fn {
			return nil, false, false // bytes of bytes, and so on: Python writes none
		}
		b, fresh, ok = r.bytesLike(args[0])
	case (fn == "builtins.bytearray" || fn == "_codecs.encode") && len(args) == 2:
		b, ok = r.encoded(args[0], args[1])
		fresh = true
	}
	r.reread += len(b) // open looks whether it is too much
	return b, fresh, ok
}

// encoded returns the text as encoding has it: Latin-1, nothing else is used.
func (r *reader) encoded(text, encoding value) ([]byte, bool) {
	if text.kind != kindText || !r.is(encoding, "latin1") && !r.is(encoding, "latin-1") {
		return nil, false
	}
	return latin1(r.bytesOf(text))
}

// orderedDictFrom makes an ordered dict of an OrderedDict or a Counter, whose pairs come one by one, as a
// dict, or as a list of pairs.
func orderedDictFrom(r *reader, n *node) (any, bool, error) {
	x := n.more
	args := x.args.values()
	if !x.call || len(args) > 1 || x.state.kind != kindNothing || len(n.items) > 0 {
		return nil, false, nil
	}
	if len(args) == 0 {
		d, err := r.orderedDict(x.pairs)
		return ownDict(d), true, err
	}
	from := args[0]
	if len(x.pairs) > 0 || from.kind != kindDict && from.kind != kindList {
		return nil, false, nil
	}
	if err := r.open(from.p); err != nil {
		return nil, false, err
	}
	defer r.shut(from.p)
	if from.kind == kindDict {
		d, err := r.orderedDict(from.p.items)
		return ownDict(d), true, err
	}
	d := new(codec.Dict)
	for _, pair := range from.p.items {
		if len(pair.values()) != 2 {
			return nil, false, nil
		}
		if err := r.addPair(d, pair.p); err != nil {
			return nil, false, err
		}
	}
	return ownDict(d), true, nil
}

func (r *reader) addPair(d *codec.Dict, pair *node) error {
	if err := r.open(pair); err != nil {
		return err
	}
	defer r.shut(pair)
	one, err := r.orderedDict(pair.items)
	if err != nil {
		return err
	}
	for k, v := range one.All() {
		err = d.Put(k, v)
	}
	return err
}

// ownDict returns d, or a map where it would be taken for a class dict.
func ownDict(d *codec.Dict) any {
	if _, ok := d.Get(codec.ClassKey); !ok {
		return d
	}
	if m := byName(d); len(m) == d.Len() {
		return m
	}
	return d
}

// defaultDictFrom forgets what makes the default: a dict in Go has none.
func defaultDictFrom(r *reader, n *node) (any, bool, error) {
	x := n.more
	args := x.args.values()
	if !x.call || len(args) > 1 || x.state.kind != kindNothing || len(n.items) > 0 {
		return nil, false, nil
	}
	if len(args) == 1 && args[0].kind != kindGlobal && args[0].kind != kindNone {
		return nil, false, nil
	}
	d, err := r.orderedDict(x.pairs)
	return ownDict(d), true, err
}

// dequeFrom makes a list of a deque. How many elements it may have is forgotten.
func dequeFrom(r *reader, n *node) (any, bool, error) {
	x := n.more
	args := x.args.values()
	if !x.call || len(args) > 2 || x.state.kind != kindNothing || len(x.pairs) > 0 {
		return nil, false, nil
	}
	if len(args) == 0 || len(args[0].values()) == 0 {
		list, err := r.trees(n.items)
		return list, true, err
	}
	if len(n.items) > 0 {
		return nil, false, nil
	}
	list, err := r.tree(args[0]) // as Python 2 has it
	if t, ok := list.(codec.Tuple); ok {
		list = []any(t)
	}
	return list, true, err
}

func decimalFrom(r *reader, n *node) (any, bool, error) {
	if !n.isCall(1, 1) {
		return nil, false, nil
	}
	s, _ := r.string(n.more.args.values()[0])
	d := codec.Decimal(s)
	return d, s != "" && d.Valid(), nil
}

func uuidFrom(r *reader, n *node) (any, bool, error) {
	x := n.more
	if x.state.kind != kindDict || !n.isPlain() {
		return nil, false, nil
	}
	pairs := x.state.p.items
	for i := 0; i+1 < min(len(pairs), 4); i += 2 { // int, and perhaps is_safe
		if r.is(pairs[i], "int") {
			id, ok := r.uuid(pairs[i+1])
			return id, ok, nil
		}
	}
	return nil, false, nil
}

func (r *reader) uuid(v value) (id uuid.UUID, ok bool) {
	n := new(big.Int)
	if small, isSmall := r.int(v); isSmall {
		n.SetInt64(small)
	} else if v.kind == kindLong {
		n = r.shortInt(v)
	} else {
		n = nil
	}
	if n == nil || n.Sign() < 0 || n.BitLen() > 8*len(id) {
		return id, false
	}
	n.FillBytes(id[:])
	return id, true
}
