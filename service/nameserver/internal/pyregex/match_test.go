package pyregex_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver/internal/pyregex"
)

// patience is longer than any of these expressions takes.
const patience = 30 * time.Second

func TestMatch(t *testing.T) {
	tests := []struct {
		expr      string
		yes, no   []string
		wantStart string // of Prefix
	}{
		{expr: `app\.(one|two)`, yes: []string{"app.one", "app.two.more"}, no: []string{"app_one", "x.app.one"}, wantStart: "app."},
		{expr: `x|wo`, yes: []string{"xy", "work"}, no: []string{"two"}},
		{expr: `^(tea)+$`, yes: []string{"tea", "teatea", "tea\n"}, no: []string{"teas", "tea\n\n"}},
		{expr: `tea\Z`, yes: []string{"tea"}, no: []string{"tea\n"}, wantStart: "tea"},
		{expr: `\d+\w`, yes: []string{"1a", "١é"}, no: []string{"²a", "1-"}},
		{expr: `(?a)\d+`, yes: []string{"1"}, no: []string{"١"}},
		{expr: `(?i)straße`, yes: []string{"STRAẞE", "ſtraße"}, no: []string{"strasse"}},
		{expr: `\bone\b`, yes: []string{"one two"}, no: []string{"onetwo", "oneé"}},
		{expr: `a\B`, yes: []string{"ab"}, no: []string{"a", "a b"}, wantStart: "a"},
		{expr: `\B`, yes: []string{" a"}, no: []string{"", "a"}},
		{expr: `(?!Pyro\.)`, yes: []string{"app", ""}, no: []string{"Pyro.NameServer"}},
		{expr: `.*(?<!\.old)$`, yes: []string{"app"}, no: []string{"app.old"}},
		{expr: `(\w+)\.\1$`, yes: []string{"a.a", "ab.ab"}, no: []string{"a.b"}},
		{expr: `(?P<q>")?x(?(q)")$`, yes: []string{`"x"`, "x"}, no: []string{`"x`}},
		{expr: `(?>a+)ab`, no: []string{"aaab"}},
		{expr: `a++b`, yes: []string{"aab"}, no: []string{"aaa"}},
		{expr: `(?:a|ab)(?=c)`, yes: []string{"abc", "ac"}, no: []string{"abd"}, wantStart: ""},
		{expr: `(?=.)(?:a|b){2,3}?c`, yes: []string{"abc", "aabc"}, no: []string{"ac", "aaaac"}},
		{expr: "(?x) a b # c\n c", yes: []string{"abc"}, no: []string{"a b"}, wantStart: "abc"},
		{expr: `(?s:.)b.`, yes: []string{"\nbx"}, no: []string{"\nb\n"}},
		{expr: `(?m)a$\n^b`, yes: []string{"a\nb"}, no: []string{"ab"}, wantStart: "a"},
		{expr: `[]a-]+$`, yes: []string{"]-a"}, no: []string{"b"}},
		{expr: `[^\W_]+$`, yes: []string{"é1"}, no: []string{"_"}},
		{expr: `\x61\u00e9\141`, yes: []string{"aéa"}, no: []string{"a"}, wantStart: "aéa"},
		{expr: `(?i)Z[\W\d]`, yes: []string{"z\u0345", "Z7"}, no: []string{"Z\u03b9", "Z\u1fbe"}},
		{expr: `(?i)Z[^\w]`, yes: []string{"Z\u0345"}, no: []string{"Zz"}},
		{expr: `(?i)[K-L\d]+$`, yes: []string{"k\u212a7l"}, no: []string{"m"}},
		{expr: `[^.-]+[.-]\Z`, yes: []string{"a-", "a."}, no: []string{"a", "--"}},
		{expr: `(?:\Aa?){2}b`, yes: []string{"ab", "b"}, no: []string{"aab"}},
		{expr: `(?:(?<!a)a?){2}b`, yes: []string{"ab"}, no: []string{"aab"}},
		{expr: `(a?){2}b\1c`, yes: []string{"abac", "abc", "aabac"}, no: []string{"aabc", "bac"}},
		{expr: `((?(1)a|b)*)+?c`, yes: []string{"ac", "c", "bc"}, no: []string{"dc"}},
		{expr: ``, yes: []string{"", "a"}},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			re, err := pyregex.Compile(tt.expr)
			require.NoError(t, err)
			require.Equal(t, tt.wantStart, re.Prefix())
			for want, names := range map[bool][]string{true: tt.yes, false: tt.no} {
				for _, name := range names {
					got, err := re.Match(name, time.Now().Add(patience))
					require.NoError(t, err)
					require.Equal(t, want, got, name)
				}
			}
		})
	}
}

// The texts are those of Python 3.11.
func TestErrorsAreThoseOfPython(t *testing.T) {
	tests := map[string]string{
		`(`:              "missing ), unterminated subpattern at position 0",
		`a)`:             "unbalanced parenthesis at position 1",
		`*a`:             "nothing to repeat at position 0",
		`a**`:            "multiple repeat at position 2",
		`[a`:             "unterminated character set at position 0",
		`[b-a]`:          "bad character range b-a at position 1",
		`\q`:             `bad escape \q at position 0`,
		`a\`:             "bad escape (end of pattern) at position 1",
		`a{2,1}`:         "min repeat greater than max repeat at position 2",
		`(?P<1>a)`:       "bad character in group name '1' at position 4",
		`(?P=x)`:         "unknown group name 'x' at position 4",
		`(a)\2`:          "invalid group reference 2 at position 4",
		`(?<=a+)`:        "look-behind requires fixed-width pattern",
		`a(?i)`:          "global flags not at the start of the expression at position 1",
		`(?L)a`:          "bad inline flags: cannot use 'L' flag with a str pattern at position 3",
		`(?<a>b)`:        "unknown extension ?<a at position 1",
		`(?P<a>)(?P<a>)`: "redefinition of group name 'a' as group 2; was group 1 at position 11",
	}
	for expr, want := range tests {
		t.Run(expr, func(t *testing.T) {
			_, err := pyregex.Compile(expr)
			require.EqualError(t, err, want)
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, expr := range []string{`(?i)a{2,3}?[^\w-x](?P<n>b)\1(?(n)c|d)`, `(?<!a|b)(?>x++)\b$`, `(?x: a#\n)`} {
		f.Add(expr, "some.name")
	}
	f.Fuzz(func(t *testing.T, expr, name string) {
		if !utf8.ValidString(expr) || !utf8.ValidString(name) {
			t.Skip("no text of Python")
		}
		re, err := pyregex.Compile(expr)
		if err != nil {
			return
		}
		ok, err := re.Match(name, time.Now().Add(10*time.Millisecond))
		if ok && err == nil && len(name) >= len(re.Prefix()) {
			require.Equal(t, re.Prefix(), name[:len(re.Prefix())])
		}
	})
}
