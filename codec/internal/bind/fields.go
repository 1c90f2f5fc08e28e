package bind

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A field is one key of the dict that a struct travels as.
type field struct {
	name      string
	index     []int // as reflect's FieldByIndex takes it
	typ       reflect.Type
	omitEmpty bool
	tagged    bool
}

// A fieldList says how a struct type travels.
type fieldList struct {
	fields []field
	tuple  bool // as a tuple of its fields
}

var fieldLists sync.Map // reflect.Type -> *fieldList

func fieldsOf(t reflect.Type) *fieldList {
	if l, ok := fieldLists.Load(t); ok {
		return l.(*fieldList) //nolint:forcetypeassert // nothing else is stored
	}
	l, _ := fieldLists.LoadOrStore(t, newFieldList(t))
	return l.(*fieldList) //nolint:forcetypeassert // nothing else is stored
}

func newFieldList(t reflect.Type) *fieldList {
	c := collector{seen: map[reflect.Type]bool{}}
	c.level([]embedded{{typ: t}})
	l := &fieldList{fields: c.fields}
	for f := range t.Fields() {
		if f.Name == "_" {
			_, opts, _ := strings.Cut(f.Tag.Get("pyro"), ",")
			l.tuple = l.tuple || hasOption(opts, "tuple")
		}
	}
	slices.SortStableFunc(l.fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return l
}

func hasOption(opts, name string) bool { return slices.Contains(strings.Split(opts, ","), name) }

type embedded struct {
	typ   reflect.Type
	index []int
}

// A collector gathers the fields of a struct and of those embedded in it, level by level: a name
// that is nearer hides one that is deeper. Of several on one level a tagged one wins, if it is the
// only one.
type collector struct {
	fields []field
	seen   map[reflect.Type]bool
}

func (c *collector) level(structs []embedded) {
	var deeper []embedded
	found := map[string][]field{}
	var order []string
	for _, s := range structs {
		if c.seen[s.typ] {
			continue
		}
		c.seen[s.typ] = true
		for i := range s.typ.NumField() {
			f, in, ok := describe(s, i)
			if in != nil {
				deeper = append(deeper, *in)
			}
			if !ok || c.has(f.name) {
				continue
			}
			if found[f.name] == nil {
				order = append(order, f.name)
			}
			found[f.name] = append(found[f.name], f)
		}
	}
	for _, name := range order {
		if f, ok := dominant(found[name]); ok {
			c.fields = append(c.fields, f)
		}
	}
	if deeper != nil {
		c.level(deeper)
	}
}

func (c *collector) has(name string) bool {
	return slices.ContainsFunc(c.fields, func(f field) bool { return f.name == name })
}

func dominant(fields []field) (field, bool) {
	if len(fields) == 1 {
		return fields[0], true
	}
	tagged := slices.DeleteFunc(fields, func(f field) bool { return !f.tagged })
	if len(tagged) == 1 {
		return tagged[0], true
	}
	return field{}, false
}

// describe returns field i of s as a field of its own, or as a struct whose fields count as those of
// s.
func describe(s embedded, i int) (f field, in *embedded, ok bool) {
	sf := s.typ.Field(i)
	tag, ok := sf.Tag.Lookup("pyro")
	if !ok {
		tag = sf.Tag.Get("json")
	}
	name, opts, _ := strings.Cut(tag, ",")
	if name == "-" || sf.Name == "_" {
		return f, nil, false
	}
	index := append(slices.Clone(s.index), i)
	if sf.Anonymous && name == "" {
		t := sf.Type
		if t.Kind() == reflect.Pointer && sf.IsExported() {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && specialDecode(t) == nil {
			return f, &embedded{typ: t, index: index}, false
		}
	}
	if !sf.IsExported() {
		return f, nil, false
	}
	f = field{name: name, index: index, typ: sf.Type, omitEmpty: hasOption(opts, "omitempty"), tagged: name != ""}
	if name == "" {
		f.name = sf.Name
	}
	return f, nil, true
}

// at returns the field of v at index, making the embedded pointers on the way if alloc is set. Without
// it the result is invalid if a pointer on the way is nil.
func at(v reflect.Value, index []int, alloc bool) reflect.Value {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !alloc {
					return reflect.Value{}
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}
