package bind

import (
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// FloatClass makes a number of an instance of class float, which is what serpent writes for NaN.
func FloatClass(class string, d *codec.Dict) (any, bool, error) {
	if class != "float" {
		return nil, false, nil
	}
	v, _ := d.Get("value")
	if s, ok := v.(string); ok {
		f, err := parseFloat(s)
		if err == nil {
			return f, true, nil
		}
		return nil, false, &codec.ClassError{Class: class, Msg: "could not convert string to float: " + strconv.Quote(s), Cause: err}
	}
	switch x := v.(type) {
	case float64:
		return x, true, nil
	case int64:
		return float64(x), true, nil
	}
	return nil, false, &codec.ClassError{Class: class, Msg: "it has no value"}
}

func parseFloat(s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if f-f != 0 { // infinite, perhaps by overflow
		return f, nil
	}
	return f, err
}
