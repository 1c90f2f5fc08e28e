package configtree

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// show writes a tree with the places of its nodes.
func show(n *Node) string {
	var b strings.Builder
	var walk func(n *Node, indent string)
	walk = func(n *Node, indent string) {
		key := ""
		if n.KeyPos.Line > 0 {
			key = fmt.Sprintf("%s@%d:%d ", n.Key, n.KeyPos.Line, n.KeyPos.Column)
		}
		fmt.Fprintf(&b, "%s%s%s@%d:%d %q\n", indent, key, n.Kind, n.Pos.Line, n.Pos.Column, n.Text)
		for _, c := range n.Children {
			walk(c, indent+" ")
		}
	}
	walk(n, "")
	return b.String()
}

func TestPositions(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		text   string
		want   []string
	}{
		{
			"YAML", YAML, "\ufeffä: [1, 'ü', ~]\nb:\n  c: {d: x}\n", []string{
				`map@1:1 ""`, ` ä@1:1 list@1:4 ""`, `  value@1:5 "1"`, `  text@1:8 "ü"`, `  null@1:13 "~"`,
				` b@2:1 map@3:3 ""`, `  c@3:3 map@3:6 ""`, `   d@3:7 text@3:10 "x"`,
			},
		},
		{
			"JSON", JSON, "\t{\"ä\" : [1,\n \"\\u00fc\\uD83D\\ude00\\ud800\", null, true]}\r\n", []string{
				`map@1:2 ""`, ` ä@1:3 list@1:9 ""`, `  value@1:10 "1"`, "  text@2:2 \"ü😀\ufffd\"", `  null@2:30 ""`, `  value@2:36 "true"`,
			},
		},
		{
			"textproto", Textproto, "# ä\na: [1, -2.5e-3f, 'ü\\x41\\101\\u00e4\\ud83d\\ude00' \"b\"]; b <c { d: X }, >\n[x.y/z.w] {}", []string{
				`map@1:1 ""`, ` a@2:1 list@2:4 ""`, `  value@2:5 "1"`, `  value@2:8 "-2.5e-3f"`, `  text@2:18 "üAAä😀b"`,
				` b@2:54 map@2:56 ""`, `  c@2:57 map@2:59 ""`, `   d@2:61 value@2:64 "X"`, ` [x.y/z.w]@3:1 map@3:11 ""`,
			},
		},
		{"merge keys", YAML, "a: &a {x: 1, y: 2}\nb: {<<: [*a, {y: 3, z: 4}], x: 5}\n", []string{
			`map@1:1 ""`, ` a@1:1 map@1:4 ""`, `  x@1:8 value@1:11 "1"`, `  y@1:14 value@1:17 "2"`,
			` b@2:1 map@2:4 ""`, `  x@2:29 value@2:32 "5"`, `  y@1:14 value@1:17 "2"`, `  z@2:21 value@2:24 "4"`,
		}},
		{"words of YAML", YAML, "a: yes\nb: 2020-01-01\nc: !!binary aGk=\nd: 0x1F\ne: |\n  x\n  y\n", []string{
			`map@1:1 ""`, ` a@1:1 text@1:4 "yes"`, ` b@2:1 text@2:4 "2020-01-01"`, ` c@3:1 text@3:4 "aGk="`,
			` d@4:1 value@4:4 "0x1F"`, ` e@5:1 text@5:4 "x\ny\n"`,
		}},
		{"a version", YAML, "\ufeff# of today\n%TAG !x! !x\n%YAML 1.2 # or so\n---\na: '%YAML 1.2'\n", []string{
			`map@5:1 ""`, ` a@5:1 text@5:4 "%YAML 1.2"`,
		}},
		{"an old version", YAML, "%YAML 1.1\r\n---\r\na: 1\r\n", []string{`map@3:1 ""`, ` a@3:1 value@3:4 "1"`}},
		{"nothing", YAML, "# only a comment\n", []string{`null@1:1 ""`}},
		{"nothing in textproto", Textproto, " # only a comment", []string{`null@1:1 ""`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := Parse([]byte(tt.text), tt.format)
			require.NoError(t, err)
			require.Equal(t, strings.Join(tt.want, "\n")+"\n", show(n))
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		format     Format
		text, want string
	}{
		{YAML, "a: 1\na: 2\n", "2:1: a is here for the second time, the first is at 1:1"},
		{YAML, "? [a]\n: 1\n", "1:3: a key has to be a text"},
		{YAML, "a: {<<: 1}\n", "1:9: << wants a map or a list of maps, found a value"},
		{YAML, "a: !x 1\n", "1:4: the tag !x means nothing here"},
		{YAML, "a: !!binary '*'\n", "1:4: !!binary: illegal base64 data at input byte 0"},
		{YAML, "a: `x`\n", "1:4: no value begins with '`': quote the text"},
		{YAML, "%YAML 2.0\n---\na: 1\n", "1:1: found incompatible YAML document"},
		{YAML, "5", "1:1: want fields and their values, found a value"},
		{JSON, "[]", "1:1: want fields and their values, found a list"},
		{JSON, "{\"a\": tru}", "1:10: invalid character '}' in literal true (expecting 'e')"},
		{JSON, "{\"a\" 1}", "1:6: invalid character '1' after object key"},
		{JSON, "{\"a\": 1 \"b\": 2}", "1:9: invalid character '\"' after object key:value pair"},
		{JSON, "{\"a\": [1,]}", "1:10: invalid character ']'"},
		{JSON, "{\"a\": \"\x01\"}", "1:8: invalid character '\\x01' in string literal"},
		{JSON, "{'a': 1}", "1:2: invalid character '\\''"},
		{JSON, "{\n  // no\n}", "2:3: invalid character '/'"},
		{Textproto, "a: 1 }", "1:6: want the name of a field, found '}'"},
		{Textproto, "a {\n b: 1\n", "3:1: want }, found the end of the text"},
		{Textproto, "a: [1 2]", "1:7: want a comma or ], found '2'"},
		{Textproto, "a: [[1]]", "1:5: want a value, found '['"},
		{Textproto, "a: [1", "1:6: want a comma or ], found the end of the text"},
		{Textproto, "a: -", "1:4: want a value, found '-'"},
		{Textproto, "a: ", "1:4: want a value, found the end of the text"},
		{Textproto, "9a: 1", "1:1: want the name of a field, found '9'"},
		{Textproto, "[a: 1", "1:6: want ], found the end of the text"},
		{Textproto, `a: "\q"`, "1:5: unknown escape"},
		{Textproto, `a: "\777"`, "1:5: the escape \\777 is no byte"},
		{Textproto, `a: "\x"`, "1:5: an escape without its digits"},
		{Textproto, `a: "\u12"`, "1:5: an escape without its digits"},
		{Textproto, `a: "\ud800\u0041"`, "1:5: the escape U+D800 is no character"},
		{Textproto, `a: "\U00110000"`, "1:5: the escape U+110000 is no character"},
		{Textproto, `a: "b`, "1:4: the text has no end"},
		{Textproto, "a: 'b\xff'", "1:6: not UTF-8"},
		{0, "", "1:1: format 0: unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, err := Parse([]byte(tt.text), tt.format)
			require.Error(t, err)
			require.Contains(t, err.Error(), tt.want)
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
		})
	}
}

func TestBounds(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a: &a [" + strings.Repeat("x, ", 9) + "x]\n")
	for c := 'b'; c < 'j'; c++ {
		fmt.Fprintf(&laughs, "%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), c-1)
	}
	tests := []struct {
		name   string
		format Format
		text   string
		want   string
	}{
		{"size", YAML, strings.Repeat("#", MaxSize+1), "larger than 1 MiB"},
		{"aliases of aliases", YAML, laughs.String(), "more than 100000 values"},
		{"merges of merges", YAML, "a: &a {" + strings.Repeat("x: {", 50) + strings.Repeat("}", 51) + "\n" + mergesOf(3000), "more than 100000 values"},
		{"depth of YAML", YAML, "a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested deeper than 100 levels"},
		{"depth of JSON", JSON, `{"a":` + strings.Repeat("[", 500_000), "nested deeper than 100 levels"},
		{"depth of textproto", Textproto, strings.Repeat("a{", 500_000), "nested deeper than 100 levels"},
		{"depth of lists", Textproto, "a: " + strings.Repeat("[{a:", 200_000), "nested deeper than 100 levels"},
		{"values of JSON", JSON, `{"a":[` + strings.Repeat("1,", 200_000) + "1]}", "more than 100000 values"},
		{"values of textproto", Textproto, strings.Repeat("a:1 ", 200_000), "more than 100000 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text), tt.format)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func mergesOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: {<<: *a}\n", i)
	}
	return b.String()
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{
		"a.yaml": YAML, "b.YML": YAML, "c.json": JSON, "d.textproto": Textproto, "e.txtpb": Textproto, "f.pbtxt": Textproto, "g.textpb": Textproto,
	} {
		got, err := FormatOf(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"", "a", "yaml", "a.toml", "a.yaml.bak"} {
		_, err := FormatOf(name)
		require.Error(t, err, name)
	}
}

// bounded checks what every tree promises.
func bounded(t *testing.T, data []byte, root *Node, err error) {
	t.Helper()
	lines := 1 // YAML has more ends of lines than others
	for _, c := range string(data) {
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", c) {
			lines++
		}
	}
	inside := func(p Position) bool { return p.Line >= 1 && p.Column >= 1 && p.Line <= lines+1 }
	if err != nil {
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.True(t, inside(syntax.Pos), "%v", syntax)
		return
	}
	nodes := 0
	var walk func(n *Node, depth int)
	walk = func(n *Node, depth int) {
		nodes++
		require.LessOrEqual(t, depth, MaxDepth+1)
		require.True(t, inside(n.Pos), "%+v", n)
		for _, c := range n.Children {
			walk(c, depth+1)
		}
	}
	walk(root, 0)
	require.LessOrEqual(t, nodes, 2*MaxNodes)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a: &a [1, 'x', ~]\nb: {<<: {c: *a}}\n", "a: &a {b: *a}", "- x", "a:\n\tb", "%YAML 1.2\n---\na: |\n b\n...\n", "? a\n: b", "!!str a: !!binary aGk=",
		`{"a": [1, "\u00fc\ud800", null, true, -1.5e3]}`, `{"a": {"a": 1, "a": 2}}`, "{", `{"a":1}x`,
		"a: 1 b { c: 'x' \"y\" } d < e: [1, {f: X}] >; # z\n[a.b/c.d] {}", `a: "\ud83d\ude00\x41\777"`, "a: -1e+5f",
	} {
		for format := range uint8(4) {
			f.Add([]byte(text), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8) {
		root, err := Parse(data, Format(format%4))
		bounded(t, data, root, err)
	})
}
