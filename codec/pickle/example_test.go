package pickle_test

import (
	"fmt"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

func ExampleUnmarshal() {
	// pickle.dumps({"name": "tea", "price": Decimal("1.50")}, protocol=2), but for what it remembers
	data := "\x80\x02}(X\x04\x00\x00\x00nameX\x03\x00\x00\x00teaX\x05\x00\x00\x00price" +
		"cdecimal\nDecimal\nX\x04\x00\x00\x001.50\x85Ru."
	var item struct {
		Name  string        `pyro:"name"`
		Price codec.Decimal `pyro:"price"`
	}
	err := pickle.Unmarshal([]byte(data), &item)
	fmt.Println(item.Name, item.Price, err)
	// Output: tea 1.50 <nil>
}

// What would run a command in Python is data, and does not go out again.
func ExampleUnmarshal_harmless() {
	var v any
	err := pickle.Unmarshal([]byte("cos\nsystem\n(S'id'\ntR."), &v)
	o, _ := v.(codec.Object)
	fmt.Println(o.Class, o.Reduction.Call, o.Reduction.Args, err)
	_, err = pickle.Marshal(o)
	fmt.Println(err)
	// Output:
	// os.system true [id] <nil>
	// pickle: cannot encode: a call of os.system is not known to be harmless (option PickleCalls)
}

func ExampleMarshal() {
	data, err := pickle.Marshal([]any{1, "x", nil})
	fmt.Printf("%q %v\n", data, err)
	// Output: "\x80\x04](K\x01\x8c\x01xNe." <nil>
}

// A numpy array keeps its type, its shape and its data.
func ExampleMarshal_numpy() {
	frame := codec.NDArrayOf([]uint16{1, 2, 3, 4, 5, 6}, 2, 3)
	data, err := pickle.Marshal(frame)
	fmt.Println(err)
	var back codec.NDArray
	err = pickle.Unmarshal(data, &back)
	fmt.Println(back.DType, back.Shape, err)
	var rows [][]int
	err = pickle.Unmarshal(data, &rows)
	fmt.Println(rows, err)
	// Output:
	// <nil>
	// <u2 [2 3] <nil>
	// [[1 2 3] [4 5 6]] <nil>
}
