package literal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// What is read is read again from what is printed of it, on one line and on many; all else is an error
// with a place in the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"None", "[1, -2.5e10, 0x_f]", "(1,)", "{'a': {b'\\x00', ()}, 1: 3-4j}", "'''a\n''' \"b\" # c", "r'\\'", "...",
		"frozenset({1})", "OrderedDict([('a', nan)])", "Decimal('1.5')", "array('d', [inf])", "bytearray(b'')",
		"datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))",
		"datetime.time(1, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600), 'x'))",
		"UUID('12345678-1234-5678-1234-567812345678')", "'\\ud800\\N{SNOWMAN}\\", "[1,\\\n2]", "f'x'", "true", "os.system(1)",
	} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		v, err := literal.Parse(s)
		if err != nil {
			requirePlace(t, s, err)
			return
		}
		again, err := literal.Parse(literal.String(v))
		require.NoError(t, err)
		requireSame(t, v, again)
		again, err = literal.Parse(string(literal.Format(nil, v, width%100)))
		require.NoError(t, err)
		requireSame(t, v, again)
	})
}

func requirePlace(t *testing.T, s string, err error) {
	t.Helper()
	codectest.RequireReadError(t, err)
	var e *literal.Error
	require.ErrorAs(t, err, &e)
	require.LessOrEqual(t, e.Offset, len(s))
	normal := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	lines := strings.Split(normal, "\n")
	require.LessOrEqual(t, e.Line, len(lines))
	require.LessOrEqual(t, e.Column, len(lines[e.Line-1])+1)
	require.Positive(t, e.Column)
	require.NotContains(t, e.Msg, "\n")
}
