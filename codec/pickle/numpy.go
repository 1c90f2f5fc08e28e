package pickle

import (
	"github.com/pyrokit/pyrokit/codec"
)

// mostDims is how many dimensions an array of numpy 2 can have.
const mostDims = 64

// ndarrayFrom reads _reconstruct(numpy.ndarray, ...) with the state (version, shape, dtype, Fortran order,
// data). The data are a list where they are objects: such an array stays an Object.
func ndarrayFrom(r *reader, n *node) (any, bool, error) {
	x := n.more
	args, state := x.args.values(), x.state.values()
	if !x.call || len(args) != 3 || nameOf(args[0]) != "numpy.ndarray" || !n.isUnfilled() || len(state) < 4 || len(state) > 5 {
		return nil, false, nil
	}
	if err := r.open(x.state.p); err != nil {
		return nil, false, err
	}
	defer r.shut(x.state.p)
	state = state[len(state)-4:] // the version came with numpy 1.0
	fortran, ok := r.int(state[2])
	if !ok {
		return nil, false, nil
	}
	return r.ndarray(state[0], state[1], state[3], fortran != 0)
}

// ndarrayFromBuffer reads _frombuffer(data, dtype, shape, order), with order K also the order of the axes.
func ndarrayFromBuffer(r *reader, n *node) (any, bool, error) {
	if !n.isCall(4, 5) {
		return nil, false, nil
	}
	args := n.more.args.values()
	if len(args) == 5 && r.is(args[3], "K") {
		return r.transposed(args)
	}
	fortran := r.is(args[3], "F")
	if !fortran && !r.is(args[3], "C") || len(args) == 5 && args[4].kind != kindNone {
		return nil, false, nil
	}
	return r.ndarray(args[2], args[1], args[0], fortran)
}

// ndarrayFromNew reads what this package writes: numpy.ndarray.__new__(shape, dtype, data, 0, None, order).
func ndarrayFromNew(r *reader, n *node) (any, bool, error) {
	x := n.more
	args := x.args.values()
	if x.call || len(args) != 6 || x.kwargs.kind != kindNothing || x.state.kind != kindNothing || !n.isUnfilled() {
		return nil, false, nil
	}
	offset, isInt := r.int(args[3])
	fortran := r.is(args[5], "F")
	if !isInt || offset != 0 || args[4].kind != kindNone || !fortran && !r.is(args[5], "C") {
		return nil, false, nil
	}
	return r.ndarray(args[0], args[1], args[2], fortran)
}

// numpyScalarFrom reads scalar(dtype, data).
func numpyScalarFrom(r *reader, n *node) (any, bool, error) {
	if !n.isCall(2, 2) {
		return nil, false, nil
	}
	args := n.more.args.values()
	return r.ndarray(value{}, args[0], args[1], false)
}

// ndarray returns the array, or with shape nothing the scalar, that its parts describe.
func (r *reader) ndarray(shape, dtype, data value, fortran bool) (any, bool, error) {
	a := codec.NDArray{FortranOrder: fortran}
	var ok bool
	if shape.kind != kindNothing {
		if a.Shape, ok = r.ints(shape, mostDims); !ok {
			return nil, false, nil
		}
	}
	t, ok, err := r.elements(dtype)
	if !ok || err != nil {
		return nil, false, err
	}
	b, fresh, ok := r.bytesLike(data)
	if !ok || !fits(a, t.size, len(b)) {
		return nil, false, nil
	}
	if !fresh {
		b = r.keep(b)
	}
	a.DType, a.Data = t.text, b
	return a, true, nil
}

// fits reports whether the elements of a, of size bytes each, take n bytes.
func fits(a codec.NDArray, size, n int) bool {
	count := a.Len()
	return count >= 0 && (size == 0 && n == 0 || size > 0 && n%size == 0 && n/size == count)
}

// ints returns the numbers in a tuple that has no more than most, none of them negative. It is never nil
// if it is ok.
func (r *reader) ints(v value, most int) (out []int, ok bool) {
	items := v.values()
	if v.kind != kindTuple || len(items) > most {
		return nil, false
	}
	out = make([]int, len(items))
	for i, item := range items {
		if out[i], ok = r.length(item); !ok {
			return nil, false
		}
	}
	return out, true
}

// length returns the int that v is, if it can be a length.
func (r *reader) length(v value) (int, bool) {
	n, ok := r.int(v)
	return int(n), ok && n >= 0 && int64(int(n)) == n
}

// transposed returns an array whose data are those of another one with its axes in another order. The
// elements are put in order.
func (r *reader) transposed(args []value) (any, bool, error) {
	axes, ok := r.ints(args[4], mostDims)
	if !ok {
		return nil, false, nil
	}
	t, ok, err := r.elements(args[1])
	if !ok || err != nil {
		return nil, false, err
	}
	v, ok, err := r.ndarray(args[2], args[1], args[0], false)
	if !ok || err != nil {
		return nil, false, err
	}
	a, _ := v.(codec.NDArray)
	if !isPermutation(axes, len(a.Shape)) {
		return nil, false, nil
	}
	return transpose(a, axes, t.size), true, nil
}

func isPermutation(axes []int, n int) bool {
	seen := make([]bool, n)
	for _, axis := range axes {
		if axis >= n || seen[axis] {
			return false
		}
		seen[axis] = true
	}
	return len(axes) == n
}

// transpose returns the array in C order whose axis i is axis axes[i] of a, as numpy's transpose.
func transpose(a codec.NDArray, axes []int, size int) codec.NDArray {
	strides := make([]int, len(axes)) // of a, in bytes
	step := size
	for i := len(axes) - 1; i >= 0; i-- {
		strides[i] = step
		step *= a.Shape[i]
	}
	out := codec.NDArray{DType: a.DType, Shape: make([]int, len(axes)), Data: make([]byte, 0, len(a.Data))}
	for i, axis := range axes {
		out.Shape[i] = a.Shape[axis]
	}
	index := make([]int, len(axes))
	at := 0
	for len(out.Data) < len(a.Data) {
		out.Data = append(out.Data, a.Data[at:at+size]...)
		for i := len(axes) - 1; i >= 0; i-- { // the next index, the last axis first
			at += strides[axes[i]]
			if index[i]++; index[i] < out.Shape[i] {
				break
			}
			at -= strides[axes[i]] * out.Shape[i]
			index[i] = 0
		}
	}
	return out
}
