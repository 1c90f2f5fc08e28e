package middleware_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

func TestPatterns(t *testing.T) {
	tests := []struct {
		pattern, object, method string
		want                    bool
	}{
		{"greet", "any.thing", "greet", true},
		{"greet", "any.thing", "greets", false},
		{"gr*", "o", "greet", true},
		{"*", "a/b", "m", true},
		{"a.b.greet", "a.b", "greet", true},
		{"a.b.greet", "a.c", "greet", false},
		{"a.*.greet", "a.b.c/d", "greet", true},
		{"*.*", "a.b", "c", true},
		{"o.get_?", "o", "get_x", true},
		{"o.get_?", "o", "get_xy", false},
		{"o.*_*_end", "o", "a_b_c_end", true},
		{"o.*_*_end", "o", "a_end", false},
		{"[gr", "o", "[gr", true},
		{"[gr", "o", "greet", false},
		{"", "o", "", true},
		{"", "o", "m", false},
		{"o.", "o", "m", false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, middleware.ParsePattern(tt.pattern).Fits(tt.object, tt.method), "%+v", tt)
	}
}

func TestAPatternFitsABatchWhoseEntriesItFits(t *testing.T) {
	p := middleware.ParsePattern("get_*")
	call := &transport.Call{Kind: transport.Batch, Method: transport.BatchMethod}
	require.False(t, p.FitsCall(call))
	call.Entries = []codec.BatchEntry{{Method: "get_a"}, {Method: "get_b"}}
	require.True(t, p.FitsCall(call))
	call.Entries = append(call.Entries, codec.BatchEntry{Method: "set_b"})
	require.False(t, p.FitsCall(call))
}

// Wildcards are matched without going back further than the last star.
func TestManyStarsEnd(t *testing.T) {
	require.False(t, middleware.Fits(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 20_000)))
}

func FuzzFits(f *testing.F) {
	f.Add("*a?b*", "xaab")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !strings.ContainsAny(pattern, "*?") {
			require.Equal(t, pattern == text, middleware.Fits(pattern, text))
		}
		require.True(t, middleware.Fits("*"+text+"*", text))
	})
}

func TestRefusals(t *testing.T) {
	err := middleware.Refusal(transport.CodeResourceExhausted, 1234567*time.Microsecond, "too many")
	require.ErrorIs(t, err, transport.ErrExhausted)
	require.EqualError(t, err, "too many: try again in 1.235s")
	wait, ok := middleware.RetryAfter(err)
	require.True(t, ok)
	require.Equal(t, 1235*time.Millisecond, wait)

	forever := middleware.Refusal(transport.CodeResourceExhausted, math.MaxInt64, "too many")
	require.EqualError(t, forever, "too many: try again in 2562047h47m16.854775807s")
	wait, ok = middleware.RetryAfter(forever) // as a float, of which no Duration is left
	require.False(t, ok)
	require.Zero(t, wait)

	plain := middleware.Refusal(transport.CodeResourceExhausted, 0, "too many")
	require.EqualError(t, plain, "too many")
	for _, err := range []error{
		plain, nil, errors.New("x"),
		&transport.Error{Attrs: map[string]any{"retry_after": "soon"}},
		&transport.Error{Attrs: map[string]any{"retry_after": -1.0}},
		&transport.Error{Attrs: map[string]any{"retry_after": 1e300}},
	} {
		_, ok = middleware.RetryAfter(err)
		require.False(t, ok)
	}
}

func TestTheCodeOfARefusalIsKnownToItsCaller(t *testing.T) {
	seen := &transport.Error{Class: "builtins.RuntimeError", Code: transport.CodeUnknown, Remote: true}
	require.Equal(t, transport.CodeUnknown, middleware.CodeOf(seen))
	seen.Attrs = middleware.Refusal(transport.CodeResourceExhausted, 0, "x").Attrs
	require.Equal(t, transport.CodeResourceExhausted, middleware.CodeOf(seen))
	seen.Attrs["code"] = []any{"an attribute of the program's own"}
	require.Equal(t, transport.CodeUnknown, middleware.CodeOf(seen))
	require.Zero(t, middleware.CodeOf(nil))
}

func TestNamesOfPrincipals(t *testing.T) {
	require.Empty(t, middleware.PrincipalName(nil))
	require.Empty(t, middleware.PrincipalName(&transport.Peer{}))
	require.Equal(t, "irma", middleware.PrincipalName(&transport.Peer{Principal: "irma"}))
	require.Equal(t, "7", middleware.PrincipalName(&transport.Peer{Principal: 7}))
}
