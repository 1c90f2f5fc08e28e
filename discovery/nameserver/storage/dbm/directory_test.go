package dbm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzParseDirectory(f *testing.F) {
	for _, seed := range []string{
		"", "'a', (0, 2)\n", "\"it's\", (512, 20)\r\n'b', (0, 0)", "'\\xe8\\x8c\\xb6\\n\\\\', (0, 1)", "'a\\", "'a', (", "'a', (0, -1)",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const size = 1000
		spans, err := parseDirectory(text, size)
		if err != nil {
			return
		}
		for key, s := range spans {
			require.True(t, s.at >= 0 && s.size >= 0 && s.at+s.size <= size, key)
		}
		again, err := parseDirectory(formatDirectory(spans), size)
		require.NoError(t, err)
		require.Equal(t, spans, again)
	})
}
