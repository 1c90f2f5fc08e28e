package pickle

import (
	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// keepsElements reports whether r makes a numpy array that stores the elements of its state as they are, as
// masked arrays do not.
func keepsElements(class string, r *codec.Reduction) bool {
	if class != "numpy.core.multiarray._reconstruct" && class != "numpy._core.multiarray._reconstruct" || !r.Call || len(r.Args) == 0 {
		return false
	}
	switch r.Args[0] {
	case codec.Global("numpy.ndarray"), codec.Global("numpy.matrix"), codec.Global("numpy.recarray"), codec.Global("numpy.rec.recarray"):
		return true
	}
	return false
}

// startsFull reports whether r makes a numpy array that is not empty before its state comes, as none of numpy's own
// pickles does. A few bytes could ask for all of the memory.
func startsFull(class string, r *codec.Reduction) bool {
	at := 1
	switch class {
	case "numpy.ma.core._mareconstruct":
		at = 2
	case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
	default:
		return false
	}
	if len(r.Args) <= at {
		return true
	}
	shape, _ := r.Args[at].(codec.Tuple)
	return len(shape) != 1 || shape[0] != int64(0)
}

// isDtype reports whether r makes a dtype. numpy believes what its state says: that plain bytes are addresses
// of objects, or that a field lies beyond its record. Without a state it may have fields of objects beside others,
// and for these numpy looks at what it is given: at a proxy too, which then connects.
func isDtype(class string, r *codec.Reduction) bool { return class == numpyDtype && r.Call }

const numpyDtype = "numpy.dtype"

// checkedDtype appends a dtype without its state: as the literal that numpy makes one of, and checks. Objects
// in the fields of records are in none that is known here.
func (w writer) checkedDtype(b []byte, r *codec.Reduction) ([]byte, error) {
	if isObjectDtype(r) {
		return w.dtype(b, "O"), nil
	}
	plain := *r
	record := len(r.Args) > 0 && (r.Args[0] == codec.Global("numpy.record") || r.Args[0] == codec.Global("numpy.rec.record"))
	if record {
		plain.Args = codec.Tuple{"V"}
	}
	data, err := Codec.Append(nil, codec.Object{Class: numpyDtype, Reduction: &plain}, &codec.Options{PickleCalls: true})
	if err != nil {
		return b, err
	}
	in := newReader(data, nil)
	defer in.free()
	top, err := in.run()
	if err != nil {
		return b, err
	}
	t, ok, err := in.dtype(top)
	if err != nil || !ok {
		return b, bind.Refuse(w, "a dtype that is not known to be harmless (option PickleCalls)")
	}
	_, literal, ok := parseDtype(t.String())
	if !ok {
		return b, bind.Refuse(w, "a dtype without a literal: "+t.String())
	}
	if !record {
		return w.dtype(b, literal), nil
	}
	b = w.global(w.global(b, "numpy", "dtype"), "numpy", "record") // whose elements are records, with attributes
	return append(w.literal(b, literal), opTuple2, opTuple1, opReduce), nil
}

// isObjectDtype reports whether r makes the dtype of objects.
func isObjectDtype(r *codec.Reduction) bool {
	if len(r.Args) == 0 {
		return false
	}
	code, _ := r.Args[0].(string)
	if r.State == nil {
		return code == "O" // as it is written here
	}
	state, _ := r.State.(codec.Tuple)
	if len(state) < 5 || state[2] != nil || state[3] != nil || state[4] != nil {
		return false
	}
	return code == "O8" || code == "O4"
}
