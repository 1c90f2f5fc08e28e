package serpent_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

const hostileSize = 128 << 10

// many returns a list that consists of unit, again and again.
func many(unit string) []byte {
	n := hostileSize / (len(unit) + 1)
	return []byte("[" + strings.Repeat(unit+",", n) + "]")
}

func nested(opening, inner, closing string, n int) string {
	return strings.Repeat(opening, n) + inner + strings.Repeat(closing, n)
}

func TestHostile(t *testing.T) {
	inputs := map[string][]byte{
		"brackets":         bytes.Repeat([]byte("["), hostileSize),
		"parentheses":      bytes.Repeat([]byte("("), hostileSize),
		"braces":           bytes.Repeat([]byte("{"), hostileSize),
		"minus":            bytes.Repeat([]byte("-"), hostileSize),
		"quotes":           bytes.Repeat([]byte("'"), hostileSize),
		"backslashes":      bytes.Repeat([]byte(`'\`), hostileSize/2),
		"line ends":        bytes.Repeat([]byte("\n"), hostileSize),
		"comments":         bytes.Repeat([]byte("#\n"), hostileSize/2),
		"joined":           bytes.Repeat([]byte("''"), hostileSize/2),
		"digits":           bytes.Repeat([]byte("1"), hostileSize),
		"hex digits":       append([]byte("0x"), bytes.Repeat([]byte("f"), hostileSize)...),
		"octal digits":     append([]byte("0o"), bytes.Repeat([]byte("7"), 16*hostileSize)...),
		"fraction":         append([]byte("1."), bytes.Repeat([]byte("1"), hostileSize)...),
		"zeros":            many("0"),
		"lists":            many("[]"),
		"tuples":           many("()"),
		"dicts":            many("{}"),
		"sets":             many("set()"),
		"sets of one":      many("{1}"),
		"dicts of one":     many("{'':0}"),
		"dicts by number":  many("{1:0}"),
		"texts":            many("''"),
		"bytes":            many("{'data':'','encoding':'base64'}"),
		"classes":          many("{'__class__':'c'}"),
		"many keys":        []byte("{" + strings.Repeat("'':0,", hostileSize/5) + "}"),
		"tuple key":        []byte("{" + nested("(", "", ",)", 190) + ":0}"),
		"tuple keys":       many("{((1,),):0}"),
		"nested groups":    many(nested("(", "1", ")", 190)),
		"nested tuples":    many(nested("(", "1", ",)", 190)),
		"groups of lists":  many(nested("([", "", "])", 90)),
		"tuples of lists":  many(nested("([", "", "],)", 90)),
		"nested classes":   []byte(nested("{'__class__':'c','a':", "0", "}", 190)),
		"classes at last":  []byte(nested("{'a':", string(many("{'__class__':'c'}")), ",'__class__':'c'}", 150)),
		"values in groups": []byte(nested("{'a':(", "{}", ")}", 95)),
	}
	codectest.Hostile(t, serpent.Codec, inputs)
}

func TestNamesOfCharacters(t *testing.T) {
	for name, want := range map[string]string{
		"SNOWMAN": "☃", "latin small letter e with acute": "é", "CJK UNIFIED IDEOGRAPH-4E00": "\u4e00",
		"line feed": "\n", "NBSP": "\u00a0", "VS1": "\ufe00", "VS17": "\U000e0100", "VS256": "\U000e01ef",
		"HANGUL SYLLABLE HAN": "한", "HANGUL SYLLABLE A": "아", "GREEK SMALL LETTER ALPHA": "α",
	} {
		var s string
		require.NoError(t, serpent.Unmarshal([]byte(`'\N{`+name+`}'`), &s), name)
		require.Equal(t, want, s)
	}
	for _, name := range []string{"", "NO SUCH THING", "CJK UNIFIED IDEOGRAPH-0041", "CJK UNIFIED IDEOGRAPH-", "HANGUL SYLLABLE X", "<control>", "VS0", "VS257", "VS01", "KEYCAP NUMBER SIGN"} {
		var s string
		require.Error(t, serpent.Unmarshal([]byte(`'\N{`+name+`}'`), &s), name)
	}
}

// A value that is put among others must not bring more than itself.
func TestSpliceIsOneValue(t *testing.T) {
	for _, raw := range []string{"1),(2", "1 # x", "1,2", "1]", "'a'\n", "(1", "# c\n5", "'a' 'b'", "[1,\n2]", "3+4j", "1\n,2"} {
		v := codec.RawValue([]byte(raw), serpent.Codec, nil)
		out, err := serpent.Marshal([]any{v, "end"})
		if err != nil {
			continue
		}
		var got []any
		require.NoError(t, serpent.Unmarshal(out, &got), "%q -> %q", raw, out)
		require.Len(t, got, 2, "%q -> %q", raw, out)
		require.Equal(t, "end", got[1])
	}
}

func TestBytesInAnyForm(t *testing.T) {
	for _, in := range []string{
		"b'hi'", "{'data':'aGk=','encoding':'base64'}", "{'encoding':'base64','data':'aGk='}",
		"{'data': 'aGk=', 'encoding': 'base64'}", "(b'h' b'i')", "({'data': 'aGk=', 'encoding': 'base64'})",
	} {
		var b []byte
		require.NoError(t, serpent.Unmarshal([]byte(in), &b), in)
		require.Equal(t, "hi", string(b))
		var v any
		require.NoError(t, serpent.Unmarshal([]byte(in), &v), in)
		require.Equal(t, []byte("hi"), v)
	}
	for _, in := range []string{"{'data':'aGk=','encoding':'hex'}", "{'data':'aGk='}", "{'data':'aGk=','encoding':'base64','x':1}", "{'data':'?','encoding':'base64'}"} {
		var b []byte
		require.Error(t, serpent.Unmarshal([]byte(in), &b), in)
		var v any
		require.NoError(t, serpent.Unmarshal([]byte(in), &v), in)
		require.IsType(t, map[string]any{}, v)
	}
}

func TestPositionOfErrors(t *testing.T) {
	var v any
	err := serpent.Unmarshal([]byte("# serpent utf-8 python3.2\n[1, ?]"), &v)
	var syntax *codec.SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, 30, syntax.Offset)
	h, err := serpent.Codec.OpenCall([]byte("('o','m',(1, ?),{})"), nil)
	require.NoError(t, err)
	err = serpent.Codec.DecodeArgs(h, all{}, nil)
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, 13, syntax.Offset)
}

type all struct{}

func (all) Positional(int) (any, error) { return new(any), nil }
func (all) Keyword([]byte) (any, error) { return new(any), nil }
func (all) None(bool) error             { return nil }
