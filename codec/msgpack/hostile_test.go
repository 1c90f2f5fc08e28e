package msgpack_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

const hostileSize = 64 << 10

// many returns an array that consists of unit, again and again.
func many(unit string) []byte {
	n := hostileSize / len(unit)
	b := binary.BigEndian.AppendUint32([]byte{0xdd}, uint32(n))
	return append(b, bytes.Repeat([]byte(unit), n)...)
}

// classAtLast returns an array of n empty maps and an instance.
func classAtLast(n int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0xdd}, uint32(n+1))
	return append(append(b, bytes.Repeat([]byte{0x80}, n)...), "\x81\xa9__class__\xa1c"...)
}

// entries returns a map of n short keys, no two of which are equal, and empty maps.
func entries(n int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0xdf}, uint32(n))
	for i := range n {
		b = append(b, 0xa3, byte(i&0x7f), byte(i>>7&0x7f), byte(i>>14), 0x80)
	}
	return b
}

func TestHostile(t *testing.T) {
	codectest.Hostile(t, msgpack.Codec, map[string][]byte{
		"nils":           many("\xc0"),
		"ints":           many("\xff"),
		"long ints":      many("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"),
		"big ints":       many("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
		"ext ints":       many("\xd4\x311"),
		"floats":         many("\xca\x00\x00\x00\x00"),
		"texts":          many("\xa0"),
		"short texts":    many("\xa1a"),
		"bytes":          many("\xc4\x00"),
		"arrays":         many("\x90"),
		"arrays of one":  many("\x91\x90"),
		"arrays in turn": many("\x90\x91\xc0"),
		"maps":           many("\x80"),
		"maps of one":    many("\x81\xa0\xc0"),
		"maps by bytes":  many("\x81\xc4\x00\xc0"),
		"times":          many("\xd7\x32\x00\x00\x00\x00\x00\x00\x00\x00"),
		"dates":          many("\xd6\x33\x01\x00\x00\x00"),
		"timestamps":     many("\xd6\xff\x00\x00\x00\x00"),
		"classes":        many("\x81\xa9__class__\xa1c"),
		"nested arrays":  bytes.Repeat([]byte("\x91"), hostileSize),
		"nested maps":    bytes.Repeat([]byte("\x81\xa1a"), hostileSize/3),
		"huge arrays":    bytes.Repeat([]byte("\xdd\x00\x00\xff\xff"), hostileSize/5),
		"huge maps":      bytes.Repeat([]byte("\xdf\x00\x00\xff\xff\xa0"), hostileSize/6),
		"class of class": bytes.Repeat([]byte("\x82\xa9__class__\xa1c\xa1a"), 5000),
		"deep classes":   append(bytes.Repeat([]byte("\x82\xa9__class__\xa1c\xa1a"), 198), many("\x81\xa9__class__\xa1c")...),
		"classes at last": append(append(bytes.Repeat([]byte("\x83\xa1a"), 150), "\x81\xa1l"+string(many("\x81\xa9__class__\xa1c"))...),
			bytes.Repeat([]byte("\xa9__class__\xa1c\xa0\xc0"), 150)...),
		"a class and maps": append([]byte("\x92\x81\xa9__class__\xa1c"), many("\x80")...),
		"a class at last":  classAtLast(1 << 18),
		"a class and one":  append([]byte("\x92\x81\xa9__class__\xa1c"), many("\x81\xa0\xc0")...),
		"equal keys":       append([]byte("\xdf\x00\x00\xff\xff"), bytes.Repeat([]byte("\xa0\xc0"), 0xffff)...),
		"fields":           append([]byte("\xdf\x00\x00\xff\xff"), bytes.Repeat([]byte("\xa1l\x91\x80"), 0xffff)...),
		"array announced":  []byte("\xdd\xff\xff\xff\xff"),
		"map announced":    []byte("\xdf\xff\xff\xff\xff"),
		"text announced":   []byte("\xdb\xff\xff\xff\xff"),
		"bytes announced":  []byte("\xc6\xff\xff\xff\xff"),
		"ext announced":    []byte("\xc9\xff\xff\xff\xff\x31"),
	})
}

func TestHostileKeys(t *testing.T) {
	codectest.Hostile(t, lenient{msgpack.Codec}, map[string][]byte{
		"maps by nil":    many("\x81\xc0\xc0"),
		"maps by int":    many("\x81\x00\xc0"),
		"maps by array":  many("\x81\x90\xc0"),
		"maps by arrays": many("\x81\x91\x90\xc0"),
		"maps by map":    many("\x81\x80\xc0"),
		"nested keys":    bytes.Repeat([]byte("\x81"), hostileSize),
		"deep key":       append(append([]byte{0x81}, bytes.Repeat([]byte{0x91}, 190)...), 0xc0, 0xc0),
		"deep keys":      many("\x81" + string(bytes.Repeat([]byte{0x91}, 190)) + "\xc0\xc0"),
		"not UTF-8":      many("\xa1\xff"),
	})
}

// An empty element of a single byte may become a large struct. That is done for some, and refused for many.
func TestHostileTypes(t *testing.T) {
	type wide struct {
		A, B, C, D []string
		E          [4]any
		F          map[string]string
	}
	type vast [64]wide
	type block struct{ A [16]int } // what a map holds eight of as soon as it has one
	inputs := map[string][]byte{
		"entries": entries(hostileSize / 5),
		"arrays":  many("\x90"), "maps": many("\x80"), "arrays of one": many("\x91\x90"), "nils": many("\xc0"), "ints": many("\x00"),
		"huge": bytes.Repeat([]byte("\xdd\x00\x00\xff\xff"), hostileSize/5), "texts": many("\xa0"),
		"maps of one": many("\x81\xa0\x80"),
	}
	for name, data := range inputs {
		t.Run(name, func(t *testing.T) {
			for _, dst := range []any{
				new([][]int), new([][][]int), new([][]string), new([][]wide), new([][0]int), new([][2]wide), new([]map[string]int),
				new([]map[string]struct{}), new([]wide), new([]*wide), new([]codec.Dict), new([]*codec.Dict), new([]codec.Set), new([]codec.Tuple),
				new([]codec.Value), new([]codec.Object), new([]any), new([]string), new([]complex128), new([]*int64), new(codec.Set),
				new(map[any]struct{}), new(map[string]struct{}), new([][]map[string]wide), new([1 << 10]any),
				new([]vast), new([]*vast), new([]struct{ V vast }), new([]*struct{ V vast }), new([][]struct{ V vast }), new([]map[string]vast),
				new(map[string]struct{ V vast }), new(map[string]wide), new(map[string]map[string]wide), new([]map[string]*vast),
				new([]map[string]block), new([]map[[8]string]struct{}), new([]map[[20]string]struct{}),
			} {
				codectest.InProportion(t, msgpack.Codec, data, dst, nil)
			}
		})
	}
}

func TestRoomForLargeTypes(t *testing.T) {
	type large struct{ A [1000]int }
	few := append([]byte("\xdc\x00\x64"), bytes.Repeat([]byte{0x80}, 100)...)
	var some []large
	require.NoError(t, msgpack.Unmarshal(few, &some))
	require.Len(t, some, 100)
	for _, dst := range []any{new([]large), new([]*large)} {
		var limit *codec.LimitError
		require.ErrorAs(t, msgpack.Unmarshal(many("\x80"), dst), &limit)
	}
}
