package bind_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
)

// Nothing of a few bytes makes a great many large structs, in whatever they stand.
func TestRoomOfStructs(t *testing.T) {
	type large struct {
		A any
		_ [80]int64
	}
	type holder struct {
		Items []large `pyro:"items"`
	}
	r := codec.NewRegistry()
	codec.RegisterType[holder](r, "shop.Holder")
	o := &codec.Options{Registry: r}
	list := "[" + strings.Repeat("{},", 1<<18) + "{}]"
	tests := []struct {
		name, in string
		dst      any
	}{
		{"in a list", list, new([]large)},
		{"in a field", `{"items": ` + list + `}`, new(holder)},
		{"in a registered class", `{"items": ` + list + `, "__class__": "shop.Holder"}`, new(any)},
		{"behind pointers", list, new([]*large)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := json.Codec.Unmarshal([]byte(tt.in), tt.dst, o)
			var limit *codec.LimitError
			require.ErrorAs(t, err, &limit)
		})
	}
	var few any
	in := `{"items": [{}, {"a": 1}], "__class__": "shop.Holder"}`
	require.NoError(t, json.Codec.Unmarshal([]byte(in), &few, o))
	require.Equal(t, holder{Items: []large{{}, {A: int64(1)}}}, few)
}
