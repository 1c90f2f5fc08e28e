package pyregex_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver/internal/pyregex"
)

// Whatever an expression asks for ends soon: in an answer, or in an error. Time is given so that going
// through all ways would take longer than any test lasts.
func TestHostileExpressionsEndSoon(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	tests := map[string]string{
		"nested repeats":                  `(a+)+$`,
		"nested repeats, backtracking":    `(?=a)(a+)+$`,
		"alternatives that are the same":  `(?=a)(a|a)*$`,
		"a backreference":                 `(a*)*\1b`,
		"repeats of repeats":              `x{1000}{1000}`,
		"groups of repeats":               `((((x{1000}){1000}){1000}){1000})`,
		"optional parts":                  strings.Repeat("a?", 1000) + strings.Repeat("a", 1000),
		"a repeat of nothing":             `(?:){1000000000}`,
		"a repeat of what may be nothing": `(?=a)(?:a?){1000000000}$`,
		"open groups":                     strings.Repeat("(", 60000),
		"nested groups":                   strings.Repeat("(", 30000) + strings.Repeat(")", 30000),
		"nested lookaheads":               strings.Repeat("(?=", 150) + "a" + strings.Repeat(")", 150),
		"large classes":                   strings.Repeat(`[\w-]`, 10000),
		"one large class":                 `[` + strings.Repeat(`\w`, 30000) + `]`,
		"opposites":                       strings.Repeat(`[^a]`, 15000),
		"large classes without case":      `(?i)` + strings.Repeat(`[\w-]`, 10000),
		"alternatives":                    strings.Repeat("a|", 30000) + "b",
		"too long":                        strings.Repeat("a", 1<<17),
		"lazy":                            `(?=a)(?:.*?)*?(?:.*?)*?b`,
	}
	for name, expr := range tests {
		t.Run(name, func(t *testing.T) {
			re, err := pyregex.Compile(expr)
			if err != nil {
				return
			}
			for _, subject := range []string{long, long[:5000] + "!", "", "a\n", "\u65e5\u672c"} {
				_, err = re.Match(subject, time.Now().Add(20*time.Millisecond))
				require.True(t, err == nil || errors.Is(err, pyregex.ErrTimeout), "%v", err)
			}
		})
	}
}

// What a class of a few characters stands for counts when it is read, not when all of it is there.
func TestLargeClassesAreRefused(t *testing.T) {
	for _, expr := range []string{`[` + strings.Repeat(`\w`, 30000) + `]`, strings.Repeat(`\W`, 1000), `(?i)` + strings.Repeat(`[a-\u1000]`, 3000)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := pyregex.Compile(expr)
		runtime.ReadMemStats(&after)
		require.EqualError(t, err, "the expression is too large")
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "%.20s", expr)
	}
}

func TestTryGivesUp(t *testing.T) {
	long := strings.Repeat("a", 200) + "!"
	for _, expr := range []string{`(?=a)(a+)+$`, `(?=a)(a|a)*$`, strings.Repeat("a?", 1000) + strings.Repeat("a", 1000), `(a*)*\1b`, `(?=.*!)b|a`} {
		re, err := pyregex.Compile(expr)
		require.NoError(t, err)
		matched := 0
		for err == nil {
			_, err = re.Try(long)
			require.Less(t, matched, 1_000_000, expr)
			matched++
		}
		require.ErrorIs(t, err, pyregex.ErrTimeout, expr)
		_, err = re.Try("a")
		require.ErrorIs(t, err, pyregex.ErrTimeout, "%s: from then on", expr)
	}
}

// Go's regexp takes over where it is made soon, which is not so with many ranges, however few parts there are.
func TestTryMakesNothingLarge(t *testing.T) {
	name := strings.Repeat("a", 30) + "!"
	for part, want := range map[string]error{`[a-z]`: nil, `(?:` + strings.Repeat(`[^\w-]|`, 40) + `a)`: pyregex.ErrTimeout} {
		re, err := pyregex.Compile(`(` + part + `+)+[xy]`)
		require.NoError(t, err)
		_, err = re.Try(name)
		require.ErrorIs(t, err, want, "%.20s", part)
	}
}

func TestTryIsMatch(t *testing.T) {
	for _, expr := range []string{`a+b`, `(?!x)a+b`, `(a+)+b`, strings.Repeat("a?", 30) + strings.Repeat("a", 30), `\w+\.\d`, `(a)(?(1)a|b)`} {
		for _, name := range []string{"", "aab", "x", strings.Repeat("a", 30), "app.1", "aa", "ab"} {
			re, err := pyregex.Compile(expr)
			require.NoError(t, err)
			want, err := re.Match(name, time.Now().Add(time.Minute))
			require.NoError(t, err)
			got, err := re.Try(name)
			require.NoError(t, err)
			require.Equal(t, want, got, "%s %s", expr, name)
		}
	}
}
