package completion_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/completion"
)

func TestManyNamesAreOfferedInStages(t *testing.T) {
	named := func(format string, n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf(format, i))
		}
		return names
	}
	few, flat := named("a.%04d", completion.Most), named("ä%05d", 30000)
	tests := []struct {
		name, typed string
		names, want []string
		whole       bool
	}{
		{"none", "", nil, nil, true},
		{"few", "a", few, few, true},
		{"parts", "", append(named("a.%04d", 300), named("b.c.%04d", 300)...), []string{"a.", "b."}, false},
		{"further parts", "b.", named("b.c.%04d", 300), []string{"b.c."}, false},
		{"a name among them", "", append([]string{"a"}, named("a.%04d", 300)...), []string{"a", "a."}, false},
		{"no dots", "ä", flat, named("ä%02d", 30), false},
		{"a part that comes again", "", []string{"a.b", "a.c", "b"}, []string{"a.b", "a.c", "b"}, true},
		{"much in common", "x", named(strings.Repeat("x", 1000)+"%04d", 1000), named(strings.Repeat("x", 1000)+"%03d", 100), false},
		{"one is the beginning of all", "", append([]string{"n"}, named("n%04d", 300)...), append([]string{"n"}, named("n%03d", 30)...), false},
	}
	var runes []string
	for r := range rune(5000) {
		runes = append(runes, string(0x4e00+r))
	}
	tests = append(tests, tests[0])
	tests[len(tests)-1].name, tests[len(tests)-1].names = "an alphabet that is too large", runes
	tests[len(tests)-1].want, tests[len(tests)-1].whole = runes[:completion.Most+1], false
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offered, whole, err := completion.Of(completion.Among(tt.names), tt.typed)
			require.NoError(t, err)
			require.Equal(t, tt.want, offered)
			require.Equal(t, tt.whole, whole)
		})
	}
}

// What is offered leads to each name, and is in order; one who types on what is offered gets there.
func TestEachNameIsReached(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	for range 20 {
		names := map[string]bool{}
		for range random.IntN(3000) {
			var name strings.Builder
			for range 1 + random.IntN(12) {
				name.WriteString([]string{"a", "b", "é", ".", "\u8336", "xyz"}[random.IntN(6)])
			}
			names[name.String()] = true
		}
		sorted := slices.Sorted(maps.Keys(names))
		for range 20 {
			if len(sorted) == 0 {
				break
			}
			wanted, typed := sorted[random.IntN(len(sorted))], ""
			for typed != wanted {
				offered, whole, err := completion.Of(completion.Among(sorted), typed)
				require.NoError(t, err)
				require.True(t, slices.IsSorted(offered))
				require.Equal(t, offered, slices.Compact(slices.Clone(offered)))
				if whole {
					require.Contains(t, offered, wanted)
					break
				}
				next := ""
				for _, o := range offered {
					if strings.HasPrefix(wanted, o) && len(o) > len(next) {
						next = o
					}
				}
				require.Greater(t, len(next), len(typed), "%q typed, %q wanted, %q offered", typed, wanted, offered)
				typed = next
			}
		}
	}
}

// Names may go, and the storage fail, while it looks.
func TestNamesThatChangeMeanwhile(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("n%04d", i)
	}
	broken := errors.New("broken")
	for left := 0; left < 1500; left += 7 { // odd and even
		for _, then := range []error{completion.ErrNone, broken} {
			asked := 0
			_, _, err := completion.Of(func(from, to string) (string, string, error) {
				if asked++; asked > left {
					return "", "", then
				}
				return completion.Among(names)(from, to)
			}, "n")
			if errors.Is(then, broken) && asked > left {
				require.ErrorIs(t, err, broken)
				continue
			}
			require.NoError(t, err)
		}
	}
}
