package pickle

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// A dtype is what numpy calls the type of an array's elements.
type dtype struct {
	size    int
	plain   string // of a type without parts: "<u2"
	base    *dtype // of an array of shape that is one element
	shape   []int
	fields  []dtypeField // of a record
	aligned bool
}

type dtypeField struct {
	name, title string
	offset      int
	dtype       dtype
}

// plainDtype is byte order, kind, size, and the unit of a time.
var plainDtype = regexp.MustCompile(`^([<>|=]?)([biufcSUVmM?])([0-9]{0,9})(\[[0-9]{0,9}[A-Za-z]{1,7}\])?$`)

// plainOf reads the spelling of a plain type.
func plainOf(text string) (dtype, bool) {
	m := plainDtype.FindStringSubmatch(text)
	if m == nil {
		return dtype{}, false
	}
	order, kind, unit := m[1], m[2], m[4]
	if kind == "?" {
		kind, m[3] = "b", "1"
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || unit != "" && kind != "m" && kind != "M" {
		return dtype{}, false
	}
	size := n
	switch kind {
	case "U":
		const charSize = 4
		size *= charSize
	case "S", "V":
		order = "|"
	default:
		if !strings.Contains(plainSizes[kind], " "+m[3]+" ") {
			return dtype{}, false
		}
	}
	if size == 1 {
		order = "|"
	} else if order == "" || order == "=" {
		order = "<"
	}
	return dtype{size: size, plain: order + kind + m[3] + unit}, true
}

// plainSizes are the sizes of numbers.
var plainSizes = map[string]string{
	"b": " 1 ", "i": " 1 2 4 8 ", "u": " 1 2 4 8 ", "f": " 2 4 8 12 16 ", "c": " 8 16 24 32 ", "m": " 8 ", "M": " 8 ",
}

// An elementType is what there is to know of a dtype to read an array.
type elementType struct {
	size int
	text string // what dtype.String returns
}

// elements reads a dtype. Arrays that were pickled together share theirs, which is read only once.
func (r *reader) elements(v value) (elementType, bool, error) {
	if known, ok := r.types[v.p]; ok {
		return known, true, nil
	}
	t, ok, err := r.dtype(v)
	if !ok || err != nil {
		return elementType{}, false, err
	}
	if r.types == nil {
		r.types = map[*node]elementType{}
	}
	r.types[v.p] = elementType{t.size, t.String()}
	return r.types[v.p], true, nil
}

// typeCost is how much memory it takes at most to read and spell a byte of a dtype, for again. Types may
// share their parts.
const typeCost = 8

// dtype reads numpy.dtype(text, align, copy) with its state, or numpy.dtype of a literal without one, as
// this package writes it.
func (r *reader) dtype(v value) (dtype, bool, error) {
	if v.kind != kindInstance || nameOf(v.p.more.fn) != "numpy.dtype" || !v.p.more.call || !v.p.isUnfilled() {
		return dtype{}, false, nil
	}
	if err := r.enter(v); err != nil { // types hold types
		return dtype{}, false, err
	}
	defer r.leave(v)
	args, state := v.p.more.args.values(), v.p.more.state.values()
	if err := r.again(typeCost * (r.sizeOf(args) + r.sizeOf(state))); err != nil {
		return dtype{}, false, err
	}
	switch {
	case len(args) == 0:
		return dtype{}, false, nil
	case v.p.more.state.kind == kindNothing:
		tree, err := r.tree(args[0])
		if err != nil {
			return dtype{}, false, err
		}
		t, ok := dtypeOf(tree)
		return t, ok, nil
	}
	return r.statedDtype(args, state)
}

// statedDtype reads the arguments and the state of numpy.dtype.
func (r *reader) statedDtype(args, state []value) (dtype, bool, error) {
	const (
		oldState  = 8 // version, byte order, base, names, fields, size, alignment, flags
		fullState = 9 // and metadata
	)
	if len(state) != oldState && len(state) != fullState {
		return dtype{}, false, nil
	}
	kind, ok := r.string(args[0])
	switch {
	case !ok:
		return dtype{}, false, nil
	case state[3].kind == kindTuple:
		return r.recordDtype(state)
	case state[2].kind == kindTuple:
		return r.arrayDtype(state[2])
	}
	order, _ := r.string(state[1])
	if len(state) == fullState {
		unit, ok := r.timeUnit(state[oldState])
		if !ok {
			return dtype{}, false, nil
		}
		kind += unit
	}
	t, ok := plainOf(order + kind)
	return t, ok, nil
}

// timeUnit reads the metadata of a type of times: a dict, and unit, count, divisor, event.
func (r *reader) timeUnit(meta value) (string, bool) {
	parts := meta.values()
	if len(parts) != 2 || len(parts[1].values()) != 4 {
		return "", false
	}
	unit := parts[1].values()
	name, _, ok := r.bytesLike(unit[0])
	count, isInt := r.int(unit[1])
	switch {
	case !ok || !isInt:
		return "", false
	case string(name) == "generic":
		return "", true
	case count == 1:
		return "[" + string(name) + "]", true
	}
	return "[" + strconv.FormatInt(count, 10) + string(name) + "]", true
}

// arrayDtype reads base type and shape.
func (r *reader) arrayDtype(v value) (dtype, bool, error) {
	parts := v.values()
	if len(parts) != 2 {
		return dtype{}, false, nil
	}
	base, ok, err := r.dtype(parts[0])
	if !ok || err != nil {
		return dtype{}, false, err
	}
	shape, ok := r.ints(parts[1], mostDims)
	if !ok {
		return dtype{}, false, nil
	}
	t, ok := arrayOf(base, shape)
	return t, ok, nil
}

func arrayOf(base dtype, shape []int) (dtype, bool) {
	n := codec.NDArray{Shape: append([]int{base.size}, shape...)}.Len()
	return dtype{size: n, base: &base, shape: shape}, n >= 0
}

// recordDtype reads the names of the fields, and a dict of type, offset and perhaps title by name.
func (r *reader) recordDtype(state []value) (dtype, bool, error) {
	size, ok1 := r.length(state[5])
	flags, ok2 := r.int(state[7])
	if !ok1 || !ok2 || state[4].kind != kindDict {
		return dtype{}, false, nil
	}
	const alignedFlag = 0x80
	t := dtype{size: size, aligned: flags&alignedFlag != 0}
	byName := map[string]value{}
	names, pairs := state[3].values(), state[4].p.items
	if err := r.again(typeCost * (r.sizeOf(names) + r.sizeOf(pairs))); err != nil {
		return dtype{}, false, err
	}
	for i := 0; i < len(pairs); i += 2 {
		if name, ok := r.string(pairs[i]); ok {
			byName[name] = pairs[i+1]
		}
	}
	for _, v := range names {
		name, ok := r.string(v)
		if !ok {
			return dtype{}, false, nil
		}
		f, ok, err := r.field(name, byName[name])
		if !ok || err != nil {
			return dtype{}, false, err
		}
		t.fields = append(t.fields, f)
	}
	return t, t.holdsFields(), nil
}

// holdsFields reports whether t has fields, and all lie within its size.
func (t dtype) holdsFields() bool {
	for _, f := range t.fields {
		if f.offset > t.size-f.dtype.size {
			return false
		}
	}
	return len(t.fields) > 0
}

func (r *reader) field(name string, v value) (f dtypeField, ok bool, err error) {
	parts := v.values()
	if len(parts) < 2 || len(parts) > 3 {
		return f, false, nil
	}
	if err := r.again(typeCost * r.sizeOf(parts)); err != nil {
		return f, false, err
	}
	f.name = name
	if f.offset, ok = r.length(parts[1]); !ok {
		return f, false, nil
	}
	if len(parts) == 3 {
		if f.title, ok = r.string(parts[2]); !ok {
			return f, false, nil
		}
	}
	f.dtype, ok, err = r.dtype(parts[0])
	return f, ok, err
}

// String returns the spelling of t, as NDArray.DType has it: of a record the list of its fields, or,
// where these do not follow each other closely, the dict that says where they are.
func (t dtype) String() string { return string(t.append(nil)) }

func (t dtype) append(b []byte) []byte {
	switch {
	case t.plain != "":
		return append(b, t.plain...)
	case t.base != nil:
		return append(t.appendBase(append(b, '(')), ')')
	case t.isPacked():
		return appendFields(b, t.fields, dtypeField.append)
	}
	return t.appendDict(b)
}

// appendQuoted appends t as a part of a literal.
func (t dtype) appendQuoted(b []byte) []byte {
	if t.plain != "" {
		return appendQuote(b, t.plain)
	}
	return t.append(b)
}

// appendBase appends base type and shape.
func (t dtype) appendBase(b []byte) []byte {
	b = append(t.base.appendQuoted(b), ", ("...)
	for i, n := range t.shape {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	if len(t.shape) == 1 {
		b = append(b, ',')
	}
	return append(b, ')')
}

func (t dtype) isPacked() bool {
	at := 0
	for _, f := range t.fields {
		if f.offset != at {
			return false
		}
		at += f.dtype.size
	}
	return at == t.size && !t.aligned
}

func appendFields(b []byte, fields []dtypeField, one func(f dtypeField, b []byte) []byte) []byte {
	b = append(b, '[')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = one(f, b)
	}
	return append(b, ']')
}

// append appends f as an element of a list of fields.
func (f dtypeField) append(b []byte) []byte {
	b = append(b, '(')
	if f.title == "" {
		b = appendQuote(b, f.name)
	} else {
		b = append(appendQuote(append(b, '('), f.title), ", "...)
		b = append(appendQuote(b, f.name), ')')
	}
	b = append(b, ", "...)
	if f.dtype.base != nil {
		b = f.dtype.appendBase(b)
	} else {
		b = f.dtype.appendQuoted(b)
	}
	return append(b, ')')
}

// appendDict appends the dict that says where the fields are.
func (t dtype) appendDict(b []byte) []byte {
	b = appendFields(append(b, "{'names': "...), t.fields, func(f dtypeField, b []byte) []byte { return appendQuote(b, f.name) })
	b = appendFields(append(b, ", 'formats': "...), t.fields, func(f dtypeField, b []byte) []byte { return f.dtype.appendQuoted(b) })
	b = appendFields(append(b, ", 'offsets': "...), t.fields, func(f dtypeField, b []byte) []byte {
		return strconv.AppendInt(b, int64(f.offset), 10)
	})
	if slices.ContainsFunc(t.fields, func(f dtypeField) bool { return f.title != "" }) {
		b = appendFields(append(b, ", 'titles': "...), t.fields, func(f dtypeField, b []byte) []byte {
			if f.title == "" {
				return append(b, "None"...)
			}
			return appendQuote(b, f.title)
		})
	}
	b = strconv.AppendInt(append(b, ", 'itemsize': "...), int64(t.size), 10)
	if t.aligned {
		b = append(b, ", 'aligned': True"...)
	}
	return append(b, '}')
}

// appendQuote appends s as a literal of Python.
func appendQuote(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '\'')
	for _, c := range []byte(s) {
		switch {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'x', hex[c>>4], hex[c&0xf])
		default:
			b = append(b, c)
		}
	}
	return append(b, '\'')
}

// parseDtype reads what String writes, and returns also the literal that Python makes a dtype of.
func parseDtype(s string) (t dtype, literal any, ok bool) {
	if t, ok := plainOf(s); ok {
		return t, t.plain, true
	}
	if s == "" || !strings.ContainsRune("[({", rune(s[0])) || serpent.Unmarshal([]byte(s), &literal) != nil {
		return dtype{}, nil, false
	}
	t, ok = dtypeOf(literal)
	return t, literal, ok
}

// dtypeOf reads a literal that numpy makes a dtype of: text, a list of fields, a pair of base type and
// shape, or a dict.
func dtypeOf(v any) (dtype, bool) {
	switch x := v.(type) {
	case string:
		return plainOf(x)
	case codec.Tuple:
		if len(x) != 2 {
			return dtype{}, false
		}
		base, ok1 := dtypeOf(x[0])
		shape, ok2 := shapeOf(x[1])
		t, ok3 := arrayOf(base, shape)
		return t, ok1 && ok2 && ok3
	case []any:
		return dtypeOfList(x)
	case map[string]any:
		return dtypeOfDict(x)
	case *codec.Dict:
		return dtypeOfDict(byName(x))
	}
	return dtype{}, false
}

func shapeOf(v any) ([]int, bool) {
	t, ok := v.(codec.Tuple)
	if !ok || len(t) > mostDims {
		return nil, false
	}
	shape := make([]int, len(t))
	for i, d := range t {
		if shape[i], ok = lengthOf(d); !ok {
			return nil, false
		}
	}
	return shape, true
}

// lengthOf returns the int that v is, if it can be a length.
func lengthOf(v any) (int, bool) {
	n, ok := v.(int64)
	return int(n), ok && n >= 0 && int64(int(n)) == n
}

func dtypeOfList(items []any) (t dtype, ok bool) {
	for _, item := range items {
		parts, _ := item.(codec.Tuple)
		var f dtypeField
		switch len(parts) {
		case 2:
			f.dtype, ok = dtypeOf(parts[1])
		case 3:
			f.dtype, ok = dtypeOf(codec.Tuple{parts[1], parts[2]})
		default:
			return t, false
		}
		if !ok {
			return t, false
		}
		switch name := parts[0].(type) {
		case string:
			f.name = name
		case codec.Tuple:
			if len(name) != 2 {
				return t, false
			}
			f.title, _ = name[0].(string)
			f.name, ok = name[1].(string)
		default:
			return t, false
		}
		f.offset = t.size
		if t.size += f.dtype.size; t.size < f.offset { // it is out of range
			return t, false
		}
		t.fields = append(t.fields, f)
	}
	return t, ok
}

func dtypeOfDict(m map[string]any) (t dtype, ok bool) {
	names, _ := m["names"].([]any)
	formats, _ := m["formats"].([]any)
	offsets, _ := m["offsets"].([]any)
	titles, _ := m["titles"].([]any)
	size, isSize := lengthOf(m["itemsize"])
	n := len(names)
	if n == 0 || len(formats) != n || len(offsets) != n || !isSize || titles != nil && len(titles) != n {
		return t, false
	}
	t.size = size
	t.aligned, _ = m["aligned"].(bool)
	for i := range names {
		var f dtypeField
		if f.name, ok = names[i].(string); !ok {
			return t, false
		}
		if f.offset, ok = lengthOf(offsets[i]); !ok {
			return t, false
		}
		if titles != nil {
			f.title, _ = titles[i].(string)
		}
		if f.dtype, ok = dtypeOf(formats[i]); !ok {
			return t, false
		}
		t.fields = append(t.fields, f)
	}
	return t, t.holdsFields()
}

// scalarText returns the text or bytes that a numpy scalar of them holds.
func scalarText(a codec.NDArray) (any, bool) {
	t, ok := plainOf(a.DType)
	if !ok || a.Shape != nil || len(a.Data) != t.size {
		return nil, false
	}
	switch t.plain[1] {
	case 'S':
		return []byte(strings.TrimRight(string(a.Data), "\x00")), true
	case 'U':
		var b []byte
		for i := 0; i+4 <= len(a.Data); i += 4 {
			c := uint32(a.Data[i]) | uint32(a.Data[i+1])<<8 | uint32(a.Data[i+2])<<16 | uint32(a.Data[i+3])<<24
			if t.plain[0] == '>' {
				c = c<<24 | c>>24 | c<<8&0xff0000 | c>>8&0xff00
			}
			if c > 0x10ffff {
				return nil, false
			}
			b = appendChar(b, rune(c))
		}
		return strings.TrimRight(string(b), "\x00"), true
	}
	return nil, false
}
