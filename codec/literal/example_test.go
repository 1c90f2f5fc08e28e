package literal_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

func ExampleParse() {
	v, err := literal.Parse("{'when': datetime.date(2020, 2, 29), 'price': Decimal('1.50')}")
	fmt.Println(literal.String(v), err)

	_, err = literal.Parse("[1, true]")
	fmt.Println(err)
	if e, ok := errors.AsType[*literal.Error](err); ok {
		fmt.Println(e.Offset)
	}
	// Output:
	// {'when': datetime.date(2020, 2, 29), 'price': Decimal('1.50')} <nil>
	// line 1, column 5: expected a value, found true, which Python spells True
	// 4
}

func ExampleString() {
	type quote struct {
		Symbol string  `pyro:"symbol"`
		Price  float64 `pyro:"price"`
	}
	fmt.Println(literal.String([]any{
		quote{"ASML", 700},
		codec.Tuple{nil, true, "it's"},
		codec.NewFrozenSet(1, 2),
		90 * time.Second,
		codec.NDArrayOf([]uint16{1, 2, 3, 4}, 2, 2),
	}))
	// Output:
	// [{'symbol': 'ASML', 'price': 700.0}, (None, True, "it's"), frozenset({1, 2}), datetime.timedelta(seconds=90), array([[1, 2], [3, 4]], dtype='<u2')]
}

func ExampleFormat() {
	v := codec.NewDict(
		"name", "camera 1",
		"exposures", []any{0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0},
		"frames", []any{codec.NewDict("id", 1, "mean", 12.5), codec.NewDict("id", 2, "mean", 13.0)},
	)
	fmt.Println(string(literal.Format(nil, v, 40)))
	// Output:
	// {'name': 'camera 1',
	//  'exposures': [0.25, 0.5, 1.0, 2.0, 4.0,
	//                8.0, 16.0],
	//  'frames': [{'id': 1, 'mean': 12.5},
	//             {'id': 2, 'mean': 13.0}]}
}
