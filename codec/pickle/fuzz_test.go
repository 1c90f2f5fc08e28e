package pickle_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// seeds are pickles of all protocols, of old Pythons and of attackers.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	all := allVectors(tb)
	for _, pickles := range recorded(tb) {
		for _, p := range pickles {
			all = append(all, p.data)
		}
	}
	for _, data := range evil {
		all = append(all, []byte(data))
	}
	return all
}

// ordered reads dicts with their order, which a dict of Python keeps on its way, but a map does not.
type ordered struct{ codec.Codec }

func (c ordered) Unmarshal(data []byte, dst any, _ *codec.Options) error {
	return c.Codec.Unmarshal(data, dst, &codec.Options{OrderedDicts: true})
}

// What can be read can be written, if it calls nothing, and written again it does not change.
func FuzzUnmarshal(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Stable(t, ordered{pickle.Codec}, data) })
}

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Typed(t, pickle.Codec, data) })
}

func FuzzCall(f *testing.F) {
	for _, data := range codectest.CallSeeds(f, pickle.Codec) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Call(t, pickle.Codec, data) })
}
