package codec_test

import (
	"fmt"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func ExampleRegisterType() {
	type Order struct {
		Item  string `pyro:"item"`
		Count int    `pyro:"count"`
	}
	r := codec.NewRegistry()
	codec.RegisterType[Order](r, "shop.Order")
	o := &codec.Options{Registry: r}

	data, _ := serpent.Codec.Append(nil, Order{"tea", 3}, o)
	fmt.Println(string(data))
	var v any
	err := serpent.Codec.Unmarshal(data, &v, o)
	fmt.Printf("%+v %v\n", v, err)
	// Output:
	// # serpent utf-8 python3.2
	// {'item':'tea','count':3,'__class__':'shop.Order'}
	// {Item:tea Count:3} <nil>
}

func ExampleDict() {
	d := codec.NewDict("b", 1, 2, "two")
	d.Set(2.0, "equal to 2")
	for k, v := range d.All() {
		fmt.Println(k, v)
	}
	// Output:
	// b 1
	// 2 equal to 2
}
