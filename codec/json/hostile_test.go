package json_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/json"
)

func TestHostile(t *testing.T) {
	const size = 128 << 10
	many := func(unit string) []byte {
		return []byte("[" + strings.Repeat(unit+",", size/(len(unit)+1)) + unit + "]")
	}
	codectest.Hostile(t, json.Codec, map[string][]byte{
		"brackets":     bytes.Repeat([]byte("["), size),
		"objects":      bytes.Repeat([]byte(`{"a":`), size/5),
		"digits":       bytes.Repeat([]byte("1"), size),
		"fraction":     append([]byte("1."), bytes.Repeat([]byte("1"), size)...),
		"zeros":        many("0"),
		"lists":        many("[]"),
		"dicts":        many("{}"),
		"dicts of one": many(`{"":0}`),
		"texts":        many(`""`),
		"classes":      many(`{"__class__":"c"}`),
		"escapes":      []byte(`"` + strings.Repeat(`\ud800`, size/6) + `"`),
		"many keys":    []byte("{" + strings.Repeat(`"":0,`, size/5) + `"":0}`),
	})
}
