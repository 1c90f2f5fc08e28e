package valuegen

import (
	"fmt"
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
)

// Ungeneric says what in v is not of the type that a value is read into an any by; it is empty if all
// is. With ordered set every dict is a *Dict.
func Ungeneric(v any, ordered bool) string {
	switch x := v.(type) {
	case *big.Int:
		if x.IsInt64() {
			return "a *big.Int that an int64 can hold: " + x.String()
		}
	case []any:
		return ungenericAny(x, ordered)
	case codec.Tuple:
		return ungenericAny(x, ordered)
	case codec.Set:
		for m := range x.All() {
			if s := Ungeneric(m, ordered); s != "" {
				return s
			}
		}
	case map[string]any:
		if ordered {
			return fmt.Sprintf("a map in the place of a *Dict: %v", x)
		}
		for _, item := range x {
			if s := Ungeneric(item, ordered); s != "" {
				return s
			}
		}
	case *codec.Dict:
		return ungenericDict(x, ordered)
	case codec.Object:
		return "" // in it are class dicts as they came
	case int, int8, int16, int32, uint, uint8, uint16, uint32, uint64, float32, complex64:
		return fmt.Sprintf("a %T", v)
	}
	return ""
}

func ungenericAny(items []any, ordered bool) string {
	for _, item := range items {
		if s := Ungeneric(item, ordered); s != "" {
			return s
		}
	}
	return ""
}

func ungenericDict(d *codec.Dict, ordered bool) string {
	named := true
	for k, item := range d.All() {
		_, text := k.(string)
		named = named && text
		if s := Ungeneric(item, ordered); s != "" {
			return s
		}
	}
	if named && !ordered {
		return fmt.Sprintf("a *Dict in the place of a map: %v", Text(Describe(d)))
	}
	return ""
}
