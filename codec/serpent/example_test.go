package serpent_test

import (
	"fmt"

	"github.com/pyrokit/pyrokit/codec/serpent"
)

func ExampleMarshal() {
	type quote struct {
		Symbol string   `pyro:"symbol"`
		Price  float64  `pyro:"price"`
		Tags   []string `pyro:"tags,omitempty"`
	}
	data, err := serpent.Marshal([]quote{{Symbol: "ASML", Price: 700}})
	fmt.Println(string(data), err)
	// Output:
	// # serpent utf-8 python3.2
	// [{'symbol':'ASML','price':700.0}] <nil>
}

func ExampleUnmarshal() {
	var point struct {
		_    struct{} `pyro:",tuple"`
		X, Y int
	}
	err := serpent.Unmarshal([]byte("(3, 4)  # a comment"), &point)
	fmt.Println(point.X, point.Y, err)
	err = serpent.Unmarshal([]byte("(3, 'four')"), &point)
	fmt.Println(err)
	// Output:
	// 3 4 <nil>
	// [1]: want int, found str
}
