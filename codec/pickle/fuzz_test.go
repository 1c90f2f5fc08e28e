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
func FuzzUnmarshal(f *testing.F) { codectest.FuzzUnmarshal(f, ordered{pickle.Codec}, seeds(f)) }

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) { codectest.FuzzTyped(f, pickle.Codec, seeds(f)) }

func FuzzCall(f *testing.F) { codectest.FuzzCall(f, pickle.Codec) }
