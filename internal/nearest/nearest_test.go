package nearest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/nearest"
)

func TestName(t *testing.T) {
	names := []string{"max_depth", "max_calls", "chain", "tls"}
	for wrong, want := range map[string]string{
		"max_dept": "max_depth", "MaxDepth": "max_depth", "max-calls": "max_calls", "chian": "chain", "tsl": "tls",
		"depth": "", "x": "", "": "", "maximum_calls": "", strings.Repeat("chain", 20): "",
	} {
		require.Equal(t, want, nearest.Name(wrong, names), wrong)
	}
}
