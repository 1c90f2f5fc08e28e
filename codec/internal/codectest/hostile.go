package codectest

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/anything"
)

// Hostile reads inputs that were made to cost much into the generic tree and into types that contain
// themselves, and checks that memory and time stay in proportion.
func Hostile(t *testing.T, c codec.Codec, inputs map[string][]byte) {
	type tree struct {
		A *tree   `pyro:"a"`
		L []*tree `pyro:"l"`
	}
	type lists []lists
	type wide struct {
		A any `pyro:"a"`
		_ [40]int
	}
	r := codec.NewRegistry()
	r.RegisterDecoder("c", func(_ string, attrs *codec.Dict) (any, error) { return attrs, nil })
	o := &codec.Options{Registry: r}
	for name, data := range inputs {
		t.Run(name, func(t *testing.T) {
			for _, dst := range []any{
				new(any), new(tree), new(lists), new([]tree), new(codec.Value), new(struct{}), new([][]byte), new([]wide),
				new(anything.Value),
			} {
				InProportion(t, c, data, dst, o)
			}
		})
	}
}

// InProportion reads data into dst and checks that memory and time stay in proportion.
func InProportion(t *testing.T, c codec.Codec, data []byte, dst any, o *codec.Options) {
	t.Helper()
	const most, fixed = mostPerByte, mostFixed
	begin := time.Now()
	used := Allocated(func() {
		if err := c.Unmarshal(data, dst, o); err != nil {
			RequireReadError(t, err)
		}
	})
	require.Less(t, used, uint64(most*len(data)+fixed), "%T", dst)
	require.Less(t, time.Since(begin), 5*time.Second, "%T", dst)
}

// Allocated returns how many bytes f allocates.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
