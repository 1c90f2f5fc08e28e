package pyregex_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver/internal/pyregex"
)

func BenchmarkCompile(b *testing.B) {
	exprs := []string{
		`example\.device\.1.*7$`, `.*7$`, `example\.(device|camera)\.[0-9]+9$`, `(?i)Example\.\w+`,
		strings.Repeat(`[^a]`, 15_000), strings.Repeat(`a?`, 30_000), strings.Repeat(`(a?)`, 15_000),
		`(?i)` + strings.Repeat(`[ab]`, 15_000), `(?i)` + strings.Repeat("[a-\u1000]", 10_000), `(?i)[` + strings.Repeat(`ab`, 30_000) + `]`,
		strings.Repeat(`\W`, 100), `(?i)` + strings.Repeat("[\u0100-\u0140]", 7_000), `[` + strings.Repeat(`a-z`, 20_000) + `]`,
	}
	for _, expr := range exprs {
		b.Run(fmt.Sprintf("%.30s", expr), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = pyregex.Compile(expr)
			}
		})
	}
}

// One operation is the matching of 20,000 names with an expression that was just read.
func BenchmarkMatch(b *testing.B) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("example.device.%d", i)
	}
	for _, expr := range []string{`.*e.*e.*e.*e.*1$`, `.*(\d)\1\1$`, `[^.]*\.[^.]*\.12$`, `.*77$`, `(?i)EXAMPLE\.\w+\.1.*7$`} {
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				re, err := pyregex.Compile(expr)
				require.NoError(b, err)
				deadline := time.Now().Add(time.Minute)
				for _, name := range names {
					if _, err := re.Match(name, deadline); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
