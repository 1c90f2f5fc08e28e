package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManyNamesAreOfferedInStages(t *testing.T) {
	named := func(format string, n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf(format, i))
		}
		return names
	}
	few, flat := named("a.%04d", completeMost), named("ä%05d", 30000)
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offered, whole := stages(tt.names, tt.typed)
			require.Equal(t, tt.want, offered)
			require.Equal(t, tt.whole, whole)
		})
	}
}
