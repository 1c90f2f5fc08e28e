package literal

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
)

// Parse reads one literal. It returns what serializers read into an any, with a *codec.Dict for every
// dict: nil, bool, int64, *big.Int, float64, complex128, string, []byte, []any, codec.Tuple, codec.Set,
// and time.Time (in codec.Naive if it names no zone), time.Duration, codec.Date, codec.TimeOfDay,
// codec.Decimal, uuid.UUID, codec.Array, codec.Global for Ellipsis. A dict with the key __class__ is a
// dict like any other, and bytes are what b'...' and bytearray(b'...') say.
//
// Brackets nest up to 200 deep, and an int in decimal has up to 4300 digits, as in Python. Errors are of
// type *[Error].
func Parse(s string) (any, error) {
	r := &reader{src: s}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return nil, r.fail(i, nil, "expected text, found a byte that is 0")
	}
	if i := invalid(s); i < len(s) {
		return nil, r.fail(i, nil, "expected text, found a byte that is no UTF-8")
	}
	return r.whole()
}

// invalid returns the place of the first byte that is not UTF-8, the length of s if there is none.
func invalid(s string) int {
	if utf8.ValidString(s) {
		return len(s)
	}
	for i, c := range s {
		if c == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return i
		}
	}
	return len(s)
}

// A reader reads literals. Brackets, names and signs are its own business; numbers and strings are
// found here and read by package serpent.
type reader struct {
	src   string
	pos   int
	depth int // open brackets; inside brackets, line ends are blanks
	zones map[string]*time.Location
}

// A form is what Python's arithmetic needs to know of an operand.
type form uint8

const (
	other    form = iota
	number        // without a sign
	negative      // a number behind a minus
	positive      // a number behind a plus
	sum           // a complex number of two parts
	zone          // a time zone, which is no value but part of one
)

// whole reads all of the text; values with commas between them are a tuple.
func (r *reader) whole() (any, error) {
	r.lines()
	v, err := r.element()
	if err != nil {
		return nil, err
	}
	if r.peek() == ',' {
		t := codec.Tuple{v}
		for r.peek() == ',' {
			r.pos++
			if c := r.peek(); c == 0 || c == '\n' || c == '\r' {
				break
			}
			if v, err = r.element(); err != nil {
				return nil, err
			}
			t = append(t, v)
		}
		v = t
	}
	r.lines()
	if r.pos < len(r.src) {
		return nil, r.expected("the end")
	}
	return v, nil
}

// lines passes over blanks, comments and line ends.
func (r *reader) lines() {
	r.depth++
	r.blanks()
	r.depth--
}

// blanks passes over blanks and comments, and inside brackets over line ends.
func (r *reader) blanks() {
	for r.pos < len(r.src) {
		rest := r.src[r.pos:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t' || c == '\f':
			r.pos++
		case lineEnd(rest) > 0 && r.depth > 0:
			r.pos += lineEnd(rest)
		case c == '#':
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			r.pos += end
		case c == '\\' && lineEnd(rest[1:]) > 0:
			r.pos += 1 + lineEnd(rest[1:])
		default:
			return
		}
	}
}

// peek passes over blanks and returns the byte that follows, 0 at the end.
func (r *reader) peek() byte {
	r.blanks()
	if r.pos == len(r.src) {
		return 0
	}
	return r.src[r.pos]
}

// element reads a value that may stand anywhere.
func (r *reader) element() (any, error) {
	r.blanks()
	start := r.pos
	v, f, err := r.expr()
	if err == nil && f == zone {
		err = r.fail(start, nil, "expected a value, found a time zone: it is only an argument, as in "+
			"datetime.time(13, 14, tzinfo=datetime.timezone.utc)")
	}
	return v, err
}

// expr reads an operand, or the sum of a real and an imaginary number.
func (r *reader) expr() (any, form, error) {
	start := r.pos
	v, f, err := r.operand()
	if err != nil || f != number && f != negative && f != positive {
		return v, f, err
	}
	op := r.peek()
	if op != '+' && op != '-' {
		return v, f, nil
	}
	re, ok := realPart(v)
	if !ok {
		return nil, 0, r.fail(start, nil, "expected a real number before %q, as in 3+4j", op)
	}
	if f == negative && re == 0 {
		re = math.Copysign(0, -1) // -0 is what repr prints for -0.0 here
	}
	r.pos++
	r.blanks()
	right := r.pos
	v, f, err = r.operand()
	if err != nil {
		return nil, 0, err
	}
	im, ok := v.(complex128)
	if !ok || f != number {
		return nil, 0, r.fail(right, nil, "expected an imaginary number after %q, as in 3+4j: nothing is calculated", op)
	}
	if op == '-' {
		return complex(re, -imag(im)), sum, nil
	}
	return complex(re, imag(im)), sum, nil
}

// realPart returns v as a float; false if v is none, or an int that is too large for one.
func realPart(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f, !math.IsInf(f, 0)
	}
	return 0, false
}

func (r *reader) operand() (any, form, error) {
	c := r.peek()
	next := byte(0)
	if r.pos+1 < len(r.src) {
		next = r.src[r.pos+1]
	}
	switch {
	case c == '[':
		v, err := r.list()
		return v, other, err
	case c == '(':
		return r.paren()
	case c == '{':
		v, err := r.brace()
		return v, other, err
	case c == '+' || c == '-':
		return r.signed()
	case c-'0' <= 9 || c == '.' && next-'0' <= 9:
		v, err := r.number()
		return v, number, err
	case strings.HasPrefix(r.src[r.pos:], "..."):
		r.pos += len("...")
		return ellipsis, other, nil
	case r.quoted() > 0:
		v, err := r.text()
		return v, other, err
	case isWordByte(c):
		return r.name()
	}
	return nil, 0, r.expected("a value")
}

// signed reads a number behind a sign.
func (r *reader) signed() (any, form, error) {
	sign := r.src[r.pos]
	r.pos++
	r.blanks()
	start := r.pos
	v, f, err := r.operand()
	if err != nil {
		return nil, 0, err
	}
	if f != number {
		return nil, 0, r.fail(start, nil, "expected a number after %q", sign)
	}
	if sign == '+' {
		return v, positive, nil
	}
	switch x := v.(type) {
	case int64:
		return -x, negative, nil
	case float64:
		return -x, negative, nil
	case complex128:
		return complex(0, -imag(x)), negative, nil
	case *big.Int:
		n := new(big.Int).Neg(x)
		if n.IsInt64() {
			return n.Int64(), negative, nil
		}
		return n, negative, nil
	}
	return nil, 0, r.fail(start, nil, "expected a number after %q", sign)
}

// open enters the bracket at pos.
func (r *reader) open() error {
	if r.depth >= codec.DefaultMaxDepth {
		limit := &codec.LimitError{What: "nesting", Limit: codec.DefaultMaxDepth, Option: "MaxDepth"}
		return r.fail(r.pos, limit, "expected no more than %d brackets inside each other", codec.DefaultMaxDepth)
	}
	r.depth++
	r.pos++
	return nil
}

// bracket reads what stands between the bracket at pos and closer: what each reads, with commas
// between. It returns the number of commas.
func (r *reader) bracket(closer byte, each func() error) (commas int, err error) {
	start := r.pos
	if err := r.open(); err != nil {
		return 0, err
	}
	for r.peek() != closer {
		if r.pos == len(r.src) {
			return 0, r.fail(start, nil, "expected %q somewhere to close this bracket", closer)
		}
		if err := each(); err != nil {
			return 0, err
		}
		switch r.peek() {
		case ',':
			commas++
			r.pos++
		case closer:
		case 0:
			return 0, r.fail(start, nil, "expected %q somewhere to close this bracket", closer)
		default:
			return 0, r.expected("',' or " + string([]byte{'\'', closer, '\''}))
		}
	}
	r.pos++
	r.depth--
	return commas, nil
}

func (r *reader) list() (any, error) {
	items := []any{}
	_, err := r.bracket(']', func() error {
		v, err := r.element()
		items = append(items, v)
		return err
	})
	return items, err
}

// paren reads a tuple, or a single value in parentheses, which is what it is without them.
func (r *reader) paren() (any, form, error) {
	items := codec.Tuple{}
	var f form
	commas, err := r.bracket(')', func() (err error) {
		var v any
		if len(items) > 0 {
			v, err = r.element()
		} else {
			v, f, err = r.expr()
		}
		items = append(items, v)
		return err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case len(items) == 1 && commas == 0:
		return items[0], f, nil
	}
	return items, other, nil
}

// brace reads a dict or a set.
func (r *reader) brace() (any, error) {
	dict := &codec.Dict{}
	var set codec.Set
	_, err := r.bracket('}', func() error {
		start := r.pos
		k, err := r.element()
		if err != nil {
			return err
		}
		colon := r.peek() == ':'
		switch {
		case colon && set.Len() > 0:
			return r.expected("',' or '}' in a set")
		case !colon && dict.Len() > 0:
			return r.expected("':' and the value of a key")
		case !colon:
			return r.put(start, "member of a set", k, set.Put)
		}
		r.pos++
		v, err := r.element()
		if err != nil {
			return err
		}
		return r.put(start, "key of a dict", k, func(k any) error { return dict.Put(k, v) })
	})
	if set.Len() > 0 {
		return set, err
	}
	return dict, err
}

// put adds a key, which stands at start, if it can be one.
func (r *reader) put(start int, what string, k any, put func(k any) error) error {
	err := hashable(k)
	if err == nil {
		err = put(k)
	}
	if err == nil {
		return nil
	}
	found := "this"
	if typ, ok := errors.AsType[*codec.TypeError](err); ok {
		found = "a " + typ.Found
		if _, isTuple := k.(codec.Tuple); isTuple {
			found = "a tuple with " + found + " in it"
		}
	}
	return r.fail(start, err, "expected a %s, found %s, which cannot be one", what, found)
}

// hashable returns an error if Python cannot hash v. The members of sets were looked into when the set
// was made.
func hashable(v any) error {
	found := ""
	switch x := v.(type) {
	case codec.Tuple:
		for _, item := range x {
			if err := hashable(item); err != nil {
				return err
			}
		}
	case []any:
		found = "list"
	case *codec.Dict:
		found = "dict"
	case codec.Array:
		found = "array"
	case codec.Set:
		if !x.Frozen {
			found = "set"
		}
	}
	if found != "" {
		return &codec.TypeError{Want: "a hashable key", Found: found}
	}
	return nil
}
