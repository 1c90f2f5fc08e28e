package transport_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/codec/msgpack"
	"github.com/pyrokit/pyrokit/codec/pickle"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/transport"
)

// The texts are those that Python 3.11 printed for str(class(*args)).
func TestTheMessageOfAnExceptionIsPythons(t *testing.T) {
	group := []any{transport.NewError("ValueError", "x"), transport.NewError("KeyError", "y")}
	place := codec.Tuple{"/a/b.py", 3, 1, "x ="}
	tests := []struct {
		class string
		args  []any
		want  string
	}{
		{"ValueError", nil, ""},
		{"ValueError", []any{""}, ""},
		{"ValueError", []any{"a'b"}, "a'b"},
		{"ValueError", []any{"a'b", "c"}, `("a'b", 'c')`},
		{"ValueError", []any{nil}, "None"},
		{"ValueError", []any{true, 1.0}, "(True, 1.0)"},
		{"ValueError", []any{[]byte{0xff, 'a'}}, `b'\xffa'`},
		{"ValueError", []any{[]any{"x", int64(1)}}, "['x', 1]"},
		{"ValueError", []any{codec.Tuple{"x"}}, "('x',)"},
		{"ValueError", []any{codec.NewSet(1, 2)}, "{1, 2}"},
		{"ValueError", []any{codec.NewFrozenSet(1)}, "frozenset({1})"},
		{"ValueError", []any{codec.NewDict("z", 1, 2, nil)}, "{'z': 1, 2: None}"},
		{"ValueError", []any{map[string]any{"out": []any{codec.NewSet(1)}}}, "{'out': [{1}]}"},
		{"ValueError", []any{math.Inf(1), complex(1, 2)}, "(inf, (1+2j))"},
		{"ValueError", []any{codec.Decimal("1.50")}, "1.50"},
		{"ValueError", []any{codec.Decimal("1.50"), 1}, "(Decimal('1.50'), 1)"},
		{"ValueError", []any{uuid.UUID{15: 1}}, "00000000-0000-0000-0000-000000000001"},
		{"ValueError", []any{codec.Date{Year: 2020, Month: 2, Day: 29}}, "2020-02-29"},
		{"ValueError", []any{time.Date(2020, 2, 29, 1, 2, 3, 4000, codec.Naive)}, "2020-02-29 01:02:03.000004"},
		{"ValueError", []any{time.Date(2020, 2, 29, 1, 2, 3, 0, time.UTC)}, "2020-02-29 01:02:03+00:00"},
		{"ValueError", []any{90 * time.Second}, "0:01:30"},
		{"ValueError", []any{-time.Second}, "-1 day, 23:59:59"},
		{"ValueError", []any{49*time.Hour + time.Microsecond}, "2 days, 1:00:00.000001"},
		{"ValueError", []any{transport.NewError("KeyError", "k")}, "'k'"},
		{"ValueError", []any{transport.NewError("KeyError", "k"), 1}, "(KeyError('k'), 1)"},
		{"ValueError", []any{errors.New("why")}, "why"},
		{"KeyError", []any{"k"}, "'k'"},
		{"KeyError", []any{1, 2}, "(1, 2)"},
		{"OSError", []any{"x"}, "x"},
		{"FileNotFoundError", []any{2, "No such file or directory"}, "[Errno 2] No such file or directory"},
		{"FileNotFoundError", []any{2, "No such file or directory", "a'b"}, `[Errno 2] No such file or directory: "a'b"`},
		{"OSError", []any{18, "cross-device link", "a", nil, "b"}, "[Errno 18] cross-device link: 'a' -> 'b'"},
		{"BlockingIOError", []any{11, "again", 5}, "[Errno 11] again"},
		{"SyntaxError", []any{"invalid syntax", place}, "invalid syntax (b.py, line 3)"},
		{"IndentationError", []any{"bad", codec.Tuple{nil, 3, nil, nil}}, "bad (line 3)"},
		{"SyntaxError", []any{"bad"}, "bad"},
		{
			"UnicodeDecodeError",
			[]any{"utf-8", []byte{0xff}, 0, 1, "invalid start byte"},
			"'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
		},
		{"UnicodeDecodeError", []any{"utf-8", []byte{0xe2, 0x82}, 0, 2, "end"}, "'utf-8' codec can't decode bytes in position 0-1: end"},
		{"UnicodeEncodeError", []any{"ascii", "aé", 1, 2, "no"}, `'ascii' codec can't encode character '\xe9' in position 1: no`},
		{"UnicodeEncodeError", []any{"ascii", "€𝄞", 0, 1, "no"}, `'ascii' codec can't encode character '\u20ac' in position 0: no`},
		{"UnicodeEncodeError", []any{"ascii", "€𝄞", 1, 2, "no"}, `'ascii' codec can't encode character '\U0001d11e' in position 1: no`},
		{"UnicodeEncodeError", []any{"utf-8", "\xed\xb3\xbfx", 0, 1, "no"}, `'utf-8' codec can't encode character '\udcff' in position 0: no`},
		{"UnicodeEncodeError", []any{"ascii", "éé", 0, 2, "no"}, "'ascii' codec can't encode characters in position 0-1: no"},
		{"UnicodeTranslateError", []any{"aé", 1, 2, "no"}, `can't translate character '\xe9' in position 1: no`},
		{"UnicodeDecodeError", []any{"text alone"}, "text alone"},
		{"ExceptionGroup", []any{"g", group}, "g (2 sub-exceptions)"},
		{"ExceptionGroup", []any{"g", group[:1]}, "g (1 sub-exception)"},
		{"NamingError", []any{"unknown name: x"}, "unknown name: x"},
	}
	for _, tt := range tests {
		e := transport.NewError(tt.class, tt.args...)
		require.Equal(t, tt.want, e.Message, "%s%s", tt.class, literal.String(codec.Tuple(tt.args)))
	}
}

func TestNoAddressesInTheTextOfAGroup(t *testing.T) {
	e := transport.NewError("ExceptionGroup", "g", []any{transport.NewError("ValueError", []any{codec.NewSet(1)}), errors.New("y")})
	got := passed(t, serpent.Codec, e)
	require.Equal(t, "builtins.RuntimeError", got.Class)
	require.Equal(t, "builtins.ExceptionGroup: g (2 sub-exceptions): [ValueError([{1}]), RuntimeError('y')]", got.Message)
	require.Equal(t, "{'out': [1, {2}]}",
		transport.Received(codec.Object{Class: "m.C", Attrs: map[string]any{"out": []any{1, codec.NewSet(2)}}}).Message)
}

// passed returns what comes of e through k.
func passed(t *testing.T, k codec.Codec, e error) *transport.Error {
	t.Helper()
	data, err := k.Append(nil, e, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	var v any
	require.NoError(t, k.Unmarshal(data, &v, &codec.Options{Dialect: codec.Pyro4}))
	got, ok := v.(*transport.Error)
	require.True(t, ok, "%T", v)
	return got
}

// Which exceptions with arguments of fixed types keep their class, in which serializers.
func TestExceptionsThatKeepTheirClass(t *testing.T) {
	codecs := []codec.Codec{serpent.Codec, json.Codec, marshal.Codec, msgpack.Codec, pickle.Codec}
	decode := []any{"utf-8", []byte{0xff}, int64(0), int64(1), "invalid start byte"}
	group := []any{"g", []any{transport.NewError("ValueError", "x"), transport.NewError("UnicodeDecodeError", decode...)}}
	tests := []struct {
		name, class string
		args        []any
		in          string // the serializers that keep it
	}{
		{"decode", "UnicodeDecodeError", decode, "marshal msgpack pickle"},
		{"decode a text", "UnicodeDecodeError", []any{"utf-8", "x", 0, 1, "y"}, ""},
		{"decode nothing", "UnicodeDecodeError", []any{"x"}, ""},
		{"encode", "UnicodeEncodeError", []any{"ascii", "é", int64(0), int64(1), "no"}, "serpent json marshal msgpack pickle"},
		{"encode, wrong place", "UnicodeEncodeError", []any{"ascii", "é", "0", int64(1), "no"}, ""},
		{"translate", "UnicodeTranslateError", []any{"é", int64(0), int64(1), "no"}, "serpent json marshal msgpack pickle"},
		{"translate bytes", "UnicodeTranslateError", []any{[]byte("x"), int64(0), int64(1), "no"}, ""},
		{"group", "ExceptionGroup", group, "msgpack pickle"},
		{"group of groups", "ExceptionGroup", []any{"h", []any{transport.NewError("ExceptionGroup", group...)}}, "msgpack pickle"},
		{"base group", "BaseExceptionGroup", []any{"g", []any{transport.NewError("BaseException", "x")}}, "msgpack pickle"},
		{"group of a base", "ExceptionGroup", []any{"g", []any{transport.NewError("BaseException", "x")}}, ""},
		{"empty group", "ExceptionGroup", []any{"g", []any{}}, ""},
		{"group of no exceptions", "ExceptionGroup", []any{"g", []any{1}}, ""},
		{"ends a program", "SystemExit", []any{int64(3)}, ""},
		{"interrupts", "KeyboardInterrupt", nil, ""},
	}
	for _, tt := range tests {
		for _, k := range codecs {
			sent := transport.NewError(tt.class, tt.args...)
			batch, err := k.Append(nil, []any{&transport.BatchError{Err: sent}}, nil)
			require.NoError(t, err)
			var results []any
			require.NoError(t, k.Unmarshal(batch, &results, nil))
			wrapped, _ := results[0].(*transport.BatchError)
			require.NotNil(t, wrapped)
			for _, got := range []*transport.Error{passed(t, k, sent), wrapped.Err} {
				if !slices.Contains(strings.Fields(tt.in), k.Name()) {
					require.Equal(t, "builtins.RuntimeError", got.Class, "%s in %s", tt.name, k.Name())
					require.Contains(t, got.Message, "builtins."+tt.class)
					continue
				}
				require.Equal(t, sent.Class, got.Class, "%s in %s", tt.name, k.Name())
				require.Equal(t, sent.Message, got.Message)
				require.Len(t, got.Args, len(sent.Args))
			}
		}
	}
	inner := passed(t, msgpack.Codec, transport.NewError("ExceptionGroup", group...)).Args[1].([]any)
	require.Equal(t, "builtins.UnicodeDecodeError", inner[1].(*transport.Error).Class)
}
