package codec

import (
	"errors"
	"reflect"

	"github.com/pyrokit/pyrokit/codec/internal/hook"
)

// ClassKey is the key that makes a dict an instance of a class.
const ClassKey = "__class__"

// ConvertDict makes of a class dict the value that the registry of o knows for it: what a registered
// decoder returns, else what a fallback returns, else an [Object]. A dict without the key __class__
// is returned as it is. With o nil it follows the options that d was read with.
func ConvertDict(d *Dict, o *Options) (any, error) {
	name, ok := d.Get(ClassKey)
	if !ok {
		return d, nil
	}
	if o == nil {
		o = d.opts
	}
	class, ok := name.(string)
	if b, isBytes := name.([]byte); isBytes {
		class, ok = string(b), true
	}
	if !ok {
		return nil, &ClassError{Class: "?", Msg: "the name of a class must be text"}
	}
	v, err := convertClass(class, d.without(ClassKey, o), o)
	if err != nil {
		if _, ok := errors.AsType[*ClassError](err); ok {
			return nil, err
		}
		return nil, &ClassError{Class: class, Msg: err.Error(), Cause: err}
	}
	return v, nil
}

func init() { //nolint:gochecknoinits // package bind cannot reach it otherwise
	hook.Attributes = func(dict, o any) any {
		d, _ := dict.(*Dict)
		opts, _ := o.(*Options)
		return d.without(ClassKey, opts)
	}
}

func convertClass(class string, attrs *Dict, o *Options) (any, error) {
	r := o.Classes()
	fn, t := r.Decoder(class)
	switch {
	case fn != nil:
		return fn(class, attrs)
	case t != nil:
		return newOfType(t, attrs, o)
	}
	if v, ok, err := r.Fallback(class, attrs); ok || err != nil {
		return v, err
	}
	return objectOf(class, attrs)
}

// newOfType fills a new t, a struct type or a pointer to one.
func newOfType(t reflect.Type, attrs *Dict, o *Options) (any, error) {
	v := reflect.New(t).Elem()
	if err := hook.Fill(v, attrs, o); err != nil {
		return nil, err
	}
	return v.Interface(), nil
}

func objectOf(class string, attrs *Dict) (any, error) {
	m := make(map[string]any, attrs.Len())
	for k, v := range attrs.All() {
		name, ok := k.(string)
		if !ok {
			return nil, errors.New("an attribute's name must be text")
		}
		m[name] = v
	}
	return Object{Class: class, Attrs: m}, nil
}

// without returns a copy of d that lacks key; nested class dicts in it learn o.
func (d *Dict) without(key string, o *Options) *Dict {
	out := &Dict{entries: make([]entry, 0, len(d.entries)), opts: o}
	for _, e := range d.entries {
		if k, ok := e.key.(string); ok && k == key {
			continue
		}
		if inner, ok := e.value.(*Dict); ok {
			inner.opts = o
		}
		out.entries = append(out.entries, e)
	}
	if len(out.entries) > smallDict {
		out.reindex()
	}
	return out
}
