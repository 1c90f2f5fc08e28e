package marshal_test

import (
	"fmt"

	"github.com/pyrokit/pyrokit/codec/marshal"
)

func ExampleUnmarshal() {
	var text string
	err := marshal.Unmarshal([]byte("\xfa\x05hello"), &text) // as Python writes a short str
	fmt.Println(text, err)
	// Output: hello <nil>
}

func ExampleMarshal() {
	data, err := marshal.Marshal([]any{1, "a"})
	fmt.Printf("%q %v\n", data, err)
	// Output: "[\x02\x00\x00\x00i\x01\x00\x00\x00u\x01\x00\x00\x00a" <nil>
}
