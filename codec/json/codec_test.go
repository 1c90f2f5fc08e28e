package json_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/json"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, json.Codec, codectest.Abilities{})
}
