package json_test

import (
	"fmt"
	"math"

	"github.com/pyrokit/pyrokit/codec/json"
)

func ExampleMarshal() {
	data, err := json.Marshal(map[string]any{"whole": 1.0, "endless": math.Inf(1), "text": "<é>"})
	fmt.Println(string(data), err)
	// Output: {"endless": Infinity, "text": "<é>", "whole": 1.0} <nil>
}

func ExampleUnmarshal() {
	var v any
	err := json.Unmarshal([]byte(`[1, 1.0, NaN]`), &v)
	fmt.Printf("%#v %v\n", v, err)
	// Output: []interface {}{1, 1, NaN} <nil>
}
