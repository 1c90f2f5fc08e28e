package literal

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// ellipsis is what Python's ... stands for.
const ellipsis = codec.Global("builtins.Ellipsis")

// words are the names that are values by themselves.
var words = map[string]struct {
	v any
	f form
}{
	"None":                  {nil, other},
	"True":                  {true, other},
	"False":                 {false, other},
	"Ellipsis":              {ellipsis, other},
	"nan":                   {math.NaN(), number},
	"inf":                   {math.Inf(1), number},
	"nanj":                  {complex(0, math.NaN()), number},
	"infj":                  {complex(0, math.Inf(1)), number},
	"datetime.timezone.utc": {time.UTC, zone},
	"datetime.UTC":          {time.UTC, zone},
}

// spellings are what people write who come from JSON or another language.
var spellings = map[string]string{
	"true": "True", "TRUE": "True", "false": "False", "FALSE": "False",
	"null": "None", "none": "None", "nil": "None", "undefined": "None",
	"NaN": "nan", "Infinity": "inf", "Inf": "inf",
}

// name reads the name at pos: a value by itself, or a call of the table.
func (r *reader) name() (any, form, error) {
	start := r.pos
	end := start
	for end < len(r.src) && (isWordByte(r.src[end]) || r.src[end] == '.') {
		end++
	}
	name := r.src[start:end]
	if w, ok := words[name]; ok {
		r.pos = end
		return w.v, w.f, nil
	}
	r.pos = end
	if r.peek() != '(' {
		r.pos = end
		if python, ok := spellings[name]; ok {
			return nil, 0, r.fail(start, nil, "expected a value, found %s, which Python spells %s", name, python)
		}
		return nil, 0, r.fail(start, nil, "expected a value, found the name %s: text goes in quotes", excerpt(name))
	}
	c, ok := classes[name]
	if !ok {
		return nil, 0, r.fail(start, nil, "expected a value, found a call of %s: only a few classes are known, such as %s",
			excerpt(name), "datetime.datetime, Decimal and UUID")
	}
	args, err := r.arguments(name, c)
	if err != nil {
		return nil, 0, err
	}
	v, err := c.value(args)
	if args.err != nil {
		err = args.err
	}
	if err != nil {
		return nil, 0, r.fail(start, err, "%s: %s", name, err)
	}
	f := other
	if c.zone {
		f = zone
	}
	return v, f, nil
}

// arguments reads what stands in the parentheses of a call.
func (r *reader) arguments(name string, c class) (*arguments, error) {
	args := &arguments{r: r, values: map[string]any{}}
	n := 0
	_, err := r.bracket(')', func() error {
		start := r.pos
		key, ok := r.keyword()
		switch {
		case !ok && n < 0:
			return r.fail(start, nil, "expected name=value after another name=value")
		case !ok && n >= len(c.params):
			return r.fail(start, nil, "expected no more than %d arguments of %s", len(c.params), name)
		case !ok:
			key = c.params[n]
			n++
		case !slices.Contains(c.params, key):
			return r.fail(start, nil, "expected one of %s, found %s", strings.Join(c.params, ", "), excerpt(key))
		default:
			n = -1
		}
		if _, twice := args.values[key]; twice {
			return r.fail(start, nil, "expected %s once, found it twice", key)
		}
		r.blanks()
		v, _, err := r.expr()
		args.values[key] = v
		return err
	})
	return args, err
}

// keyword passes over NAME= and returns the name.
func (r *reader) keyword() (string, bool) {
	start := r.pos
	end := start
	for end < len(r.src) && isWordByte(r.src[end]) {
		end++
	}
	r.pos = end
	if end > start && r.peek() == '=' && !strings.HasPrefix(r.src[r.pos:], "==") {
		r.pos++
		return r.src[start:end], true
	}
	r.pos = start
	return "", false
}
