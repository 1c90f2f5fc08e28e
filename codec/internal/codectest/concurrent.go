package codectest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pyrokit/pyrokit/codec"
)

// Concurrent uses c from several goroutines while classes are being registered.
func Concurrent(t *testing.T, c codec.Codec) {
	t.Helper()
	r := codec.NewRegistry()
	o := &codec.Options{Registry: r}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				want := sample()
				data, err := c.Append(nil, &want, o)
				if !assert.NoError(t, err) {
					return
				}
				var got everything
				assert.NoError(t, c.Unmarshal(data, &got, o))
				assert.Equal(t, want.Pairs, got.Pairs)
				if i%10 == 0 {
					codec.RegisterType[dog](r, "zoo.Dog")
				}
			}
		})
	}
	wg.Wait()
}
