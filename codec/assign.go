package codec

import (
	"fmt"
	"reflect"
)

// assign stores src in *dst when src is assignable to it.
func assign(dst, src any) error {
	d := reflect.ValueOf(dst)
	if d.Kind() != reflect.Pointer || d.IsNil() {
		return fmt.Errorf("codec: destination must be a non-nil pointer, not %T", dst)
	}
	d = d.Elem()
	if src == nil {
		switch d.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
			d.SetZero()
			return nil
		default:
			return &TypeError{Want: d.Type().String(), Found: "None"}
		}
	}
	s := reflect.ValueOf(src)
	if !s.Type().AssignableTo(d.Type()) {
		return &TypeError{Want: d.Type().String(), Found: s.Type().String()}
	}
	d.Set(s)
	return nil
}
