package msgpack_test

import (
	"fmt"
	"math/big"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func ExampleUnmarshal() {
	var point struct {
		X int    `pyro:"x"`
		Y string `pyro:"y"`
	}
	err := msgpack.Unmarshal([]byte("\x82\xa1x\x05\xa1y\xa5hello"), &point)
	fmt.Println(point.X, point.Y, err)
	// Output: 5 hello <nil>
}

func ExampleMarshal() {
	data, err := msgpack.Marshal(map[string]any{"list": []any{1, -1, 300}, "ok": true})
	fmt.Printf("%q %v\n", data, err)
	// Output: "\x82\xa4list\x93\x01\xff\xcd\x01,\xa2ok\xc3" <nil>
}

// What msgpack has no type for goes the way that Pyro in Python reads it.
func ExampleMarshal_extensions() {
	huge := new(big.Int).Lsh(big.NewInt(1), 70)
	for _, v := range []any{huge, 1i, codec.Date{Year: 2020, Month: time.February, Day: 29}} {
		data, err := msgpack.Marshal(v)
		var back any
		if err == nil {
			err = msgpack.Unmarshal(data, &back)
		}
		fmt.Printf("%#x %v %v\n", data[:3], back, err)
	}
	// Output:
	// 0xc71631 1180591620717411303424 <nil>
	// 0xd83000 (0+1i) <nil>
	// 0xd733cc 2020-02-29 <nil>
}
