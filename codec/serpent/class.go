package serpent

import (
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// ownClass makes numbers of the instances that serpent writes for them: class float for NaN and, since
// serpent 1.43, class complex for complex numbers with NaN.
func ownClass(class string, d *codec.Dict) (any, bool, error) {
	if class != "complex" {
		return bind.FloatClass(class, d)
	}
	re, err := part(d, "real")
	if err != nil {
		return nil, false, err
	}
	im, err := part(d, "imag")
	if err != nil {
		return nil, false, err
	}
	return complex(re, im), true, nil
}

// part returns a part of a complex number, which may be an instance of class float in its turn.
func part(d *codec.Dict, name string) (float64, error) {
	v, _ := d.Get(name)
	if inner, ok := v.(*codec.Dict); ok {
		class, _ := inner.Get(codec.ClassKey)
		text, _ := class.(string)
		f, _, err := bind.FloatClass(text, inner)
		if err != nil {
			return 0, err
		}
		v = f
	}
	switch x := v.(type) {
	case float64:
		return x, nil
	case int64:
		return float64(x), nil
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f, nil
	}
	return 0, &codec.ClassError{Class: "complex", Msg: name + " is no number"}
}
