package bind_test

import (
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

func decode[T any](t *testing.T, tree any) (T, error) {
	t.Helper()
	var out T
	d := bind.Decoder{Src: bind.FromTree(tree)}
	err := d.Decode(&out)
	return out, err
}

func requireDecodes[T any](t *testing.T, tree any, want T) {
	t.Helper()
	t.Run(reflect.TypeOf(tree).String()+" into "+reflect.TypeFor[T]().String(), func(t *testing.T) {
		got, err := decode[T](t, tree)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// What only some serializers tell apart goes where the others would put it.
func TestSpecialValuesIntoTypes(t *testing.T) {
	at := time.Date(2020, 2, 29, 13, 14, 15, 678000, codec.Naive)
	requireDecodes(t, at, at)
	requireDecodes(t, at, "2020-02-29T13:14:15.000678")
	requireDecodes(t, at.In(time.UTC), "2020-02-29T13:14:15.000678+00:00")
	requireDecodes[any](t, at, at)
	day := codec.Date{Year: 2020, Month: 2, Day: 29}
	requireDecodes(t, day, day)
	requireDecodes(t, day, time.Date(2020, 2, 29, 0, 0, 0, 0, codec.Naive))
	requireDecodes(t, codec.TimeOfDay{Hour: 1}, "01:00:00")
	requireDecodes(t, 90*time.Second, 90*time.Second)
	requireDecodes(t, 90*time.Second, 90.0)
	requireDecodes[any](t, 90*time.Second, 90*time.Second)
	requireDecodes(t, codec.Decimal("1.50"), codec.Decimal("1.50"))
	requireDecodes(t, codec.Decimal("1.50"), "1.50")
	id := uuid.MustParse("11112222-3333-4444-5555-666677778888")
	requireDecodes(t, id, id)
	requireDecodes(t, id, id.String())
	requireDecodes(t, codec.ArrayOf([]float64{1, 2.5}), []float64{1, 2.5})
	requireDecodes(t, codec.ArrayOf([]int16{1, -2}), []int{1, -2})
	requireDecodes(t, codec.ArrayOf([]uint64{1 << 63}), []*big.Int{new(big.Int).Lsh(big.NewInt(1), 63)})
	requireDecodes(t, codec.Array{Code: 'u', Values: "text"}, "text")
	requireDecodes(t, codec.ArrayOf([]int8{1}), codec.ArrayOf([]int8{1}))
	requireDecodes(t, codec.NewFrozenSet(int64(1)), []int{1})
	requireDecodes(t, codec.NewFrozenSet(int64(1)), codec.NewFrozenSet(int64(1)))
	label := codec.NDArray{DType: "<U1", Data: []byte("a\x00\x00\x00")}
	requireDecodes(t, label, label)
	requireDecodes(t, codec.Global("builtins.Ellipsis"), codec.Global("builtins.Ellipsis"))
	type moment struct {
		At   time.Time  `pyro:"at"`
		Last *time.Time `pyro:"last"`
	}
	requireDecodes(t, map[string]any{"at": at, "last": at}, moment{At: at, Last: &at})
	object := codec.Object{Class: "m.C", Attrs: map[string]any{"a": int64(1)}, Reduction: &codec.Reduction{Args: codec.Tuple{int64(5)}}}
	requireDecodes(t, object, object)
	requireDecodes[any](t, object, object)
}

func TestArraysIntoTypes(t *testing.T) {
	a := codec.NDArrayOf([]uint16{1, 2, 3, 4}, 2, 2)
	requireDecodes(t, a, a)
	requireDecodes[any](t, a, a)
	requireDecodes(t, a, [][]uint16{{1, 2}, {3, 4}})
	requireDecodes(t, a, [2][2]float64{{1, 2}, {3, 4}})
	requireDecodes(t, codec.NDArray{DType: "<f8", Shape: []int{0, 3}}, [][]float64{})
	requireDecodes(t, codec.NDArray{DType: "<f4", Data: []byte{0, 0, 0x80, 0x3f}}, 1.0)
	requireDecodes(t, codec.NDArray{DType: "<i4", Data: []byte{7, 0, 0, 0}}, 7)
	requireDecodes(t, codec.NDArray{DType: "|b1", Data: []byte{1}}, true)

	for name, bad := range map[string]codec.NDArray{
		"data do not fit": {DType: "<u2", Shape: []int{3}, Data: make([]byte, 4)},
		"lying shape":     {DType: "<u2", Shape: []int{1<<31 - 1, 0}},
		"no size":         {DType: "|V0", Shape: []int{1<<31 - 1}},
		"no numbers":      {DType: "<U1", Shape: []int{1}, Data: make([]byte, 4)},
		"another order":   {DType: "<u2", Shape: []int{1, 2}, FortranOrder: true, Data: make([]byte, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode[[]any](t, bad)
			if name == "another order" {
				_, err = decode[[][]int](t, bad)
			}
			var typ *codec.TypeError
			require.ErrorAs(t, err, &typ)
		})
	}
	_, err := decode[int](t, a)
	require.ErrorContains(t, err, "want int, found list")
	_, err = decode[codec.Array](t, "text")
	require.ErrorContains(t, err, "want codec.Array, found str")
}
