package validate

import (
	"regexp"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func FromConfig(m *configv1.Validation, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if len(m.GetShapes()) == 0 {
		f.Wrongf("shapes", "must have one at least")
	}
	shapes := make([]Shape, 0, len(m.GetShapes()))
	for i, s := range m.GetShapes() {
		shapes = append(shapes, shapeOf(s, f.At("shapes", i)))
	}
	return New(Calls(shapes...)), f.Err()
}

func shapeOf(s *configv1.Shape, f *middleware.Fields) Shape {
	if s.GetCalls() == "" {
		f.Wrongf("calls", "must not be empty: * fits all")
	}
	shape := Shape{Calls: s.GetCalls(), MoreArgs: s.GetMoreArgs(), MoreKeywords: s.GetMoreKeywords()}
	names := map[string]bool{}
	for i, p := range s.GetParams() {
		at := f.At("params", i)
		switch {
		case p.GetName() == "":
			at.Wrongf("name", "must not be empty")
		case names[p.GetName()]:
			at.Wrongf("name", "%q is there twice", p.GetName())
		}
		names[p.GetName()] = true
		shape.Params = append(shape.Params, paramOf(p, at, maxItemsDepth))
	}
	return shape
}

// maxItemsDepth bounds how deep items of items are declared.
const maxItemsDepth = 32

var types = map[configv1.Param_Type]Type{
	configv1.Param_TYPE_UNSPECIFIED: Any,
	configv1.Param_TYPE_ANY:         Any,
	configv1.Param_TYPE_BOOL:        Bool,
	configv1.Param_TYPE_INT:         Int,
	configv1.Param_TYPE_FLOAT:       Float,
	configv1.Param_TYPE_STR:         Str,
	configv1.Param_TYPE_BYTES:       Bytes,
	configv1.Param_TYPE_LIST:        List,
	configv1.Param_TYPE_DICT:        Dict,
}

func paramOf(p *configv1.Param, f *middleware.Fields, depth int) Param {
	kind, ok := types[p.GetType()]
	if !ok {
		f.Wrongf("type", "%d is no type", p.GetType())
	}
	param := Param{
		Name: p.GetName(), Type: kind, Optional: p.GetOptional(), None: p.GetNone(),
		Min: p.Min, Max: p.Max,
		MinLen: f.Count("min_len", p.GetMinLen()), MaxLen: f.Count("max_len", p.GetMaxLen()),
		OneOf: p.GetOneOf(),
	}
	if param.Min != nil && param.Max != nil && !(*param.Min <= *param.Max) {
		f.Wrongf("max", "must not be less than min, %v", *param.Min)
	}
	if param.MaxLen > 0 && param.MaxLen < param.MinLen {
		f.Wrongf("max_len", "must not be less than min_len, %d", param.MinLen)
	}
	if p.GetMatch() != "" {
		var err error
		param.Match, err = regexp.Compile(p.GetMatch())
		f.Failed("match", err)
	}
	switch {
	case p.GetItems() == nil:
	case depth == 0:
		f.Wrongf("items", "are declared deeper than %d", maxItemsDepth)
	default:
		items := paramOf(p.GetItems(), f.In("items"), depth-1)
		param.Items = &items
	}
	return param
}
