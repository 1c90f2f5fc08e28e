package validate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// A Shape is what the arguments of some calls have to be.
type Shape struct {
	// Calls is the pattern of the calls that it is for ([middleware.Pattern]).
	Calls string
	// Params are the parameters in order. Each may be given by position or by name.
	Params []Param
	// MoreArgs and MoreKeywords allow further arguments, which are not looked at.
	MoreArgs, MoreKeywords bool
}

// An Option sets up the middleware.
type Option func(*config)

type config struct{ shapes []shape }

type shape struct {
	Shape

	pattern middleware.Pattern
}

// Calls declares shapes. The first one that fits a call counts.
func Calls(shapes ...Shape) Option {
	return func(c *config) {
		for _, s := range shapes {
			c.shapes = append(c.shapes, shape{Shape: s, pattern: middleware.ParsePattern(s.Calls)})
		}
	}
}

// New returns the middleware.
func New(opts ...Option) transport.Middleware {
	cfg := &config{}
	for _, o := range opts {
		o(cfg)
	}
	m := transport.Middleware{Name: "validate"}
	if len(cfg.shapes) == 0 {
		return m
	}
	m.Call = func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if err := cfg.check(call); err != nil {
				return nil, err
			}
			return next(ctx, call)
		}
	}
	return m
}

func (c *config) check(call *transport.Call) error {
	switch call.Kind {
	case transport.Batch:
		for i := range call.Entries {
			e := &call.Entries[i]
			if err := c.checkArgs(call.Object, e.Method, &transport.Args{Positional: e.Args, Keywords: e.Kwargs}, 0); err != nil {
				return err
			}
		}
		return nil
	case transport.Invoke:
		return c.checkArgs(call.Object, call.Method, &call.Args, 0)
	case transport.SetAttr:
		name := 0
		if call.Args.Encoded() { // as it came off the wire: the attribute's name, then the value
			name = 1
		}
		return c.checkArgs(call.Object, call.Method, &call.Args, name)
	default:
		return nil
	}
}

// checkArgs checks args without the first skip ones.
func (c *config) checkArgs(object, method string, args *transport.Args, skip int) error {
	for i := range c.shapes {
		s := &c.shapes[i]
		if !s.pattern.Fits(object, method) {
			continue
		}
		if err := s.check(args, skip); err != nil {
			err.Message = object + "." + method + ": " + err.Message
			err.Args = []any{err.Message}
			err.NotSent = true
			return err
		}
		return nil
	}
	return nil
}

func (s *shape) check(args *transport.Args, skip int) *transport.Error {
	given, err := s.read(args, skip)
	if err != nil {
		return err
	}
	if len(given.positional) > len(s.Params) && !s.MoreArgs {
		return typeError("takes at most %d arguments, %d were given", len(s.Params), len(given.positional))
	}
	for i := range s.Params {
		p := &s.Params[i]
		v, named := given.keywords[p.Name]
		delete(given.keywords, p.Name)
		switch {
		case i < len(given.positional) && named:
			return typeError("got several values for argument %s", p.Name)
		case i < len(given.positional):
			v = given.positional[i]
		case !named && p.Optional:
			continue
		case !named:
			return typeError("argument %s is missing", p.Name)
		}
		if err := p.check("argument "+p.Name, v); err != nil {
			return err
		}
	}
	if len(given.keywords) > 0 && !s.MoreKeywords {
		return typeError("got unexpected keyword arguments %s", strings.Join(slices.Sorted(maps.Keys(given.keywords)), ", "))
	}
	return nil
}

func (s *shape) read(args *transport.Args, skip int) (*arguments, *transport.Error) {
	a := &arguments{skip: skip, most: len(s.Params), more: s.MoreArgs, keywords: map[string]any{}}
	if !args.Encoded() {
		a.positional = args.Positional
		if !args.Keywords.IsNone() {
			maps.Copy(a.keywords, args.Keywords)
		}
		return a, nil
	}
	if err := args.Decode(a); err != nil {
		if e := transport.AsError(err); e.Class != "" {
			return nil, e
		}
		return nil, typeError("%v", err)
	}
	for i, v := range a.positional {
		a.positional[i] = *v.(*any) //nolint:forcetypeassert // Positional made it
	}
	for name, v := range a.keywords {
		a.keywords[name] = *v.(*any) //nolint:forcetypeassert // Keyword made it
	}
	return a, nil
}

// arguments is a codec.ArgSink.
type arguments struct {
	skip       int
	most       int
	more       bool
	positional []any
	keywords   map[string]any
}

var _ codec.ArgSink = (*arguments)(nil)

func (a *arguments) Positional(i int) (any, error) {
	if i < a.skip {
		return new(any), nil
	}
	if i-a.skip >= a.most && !a.more { // without decoding it
		return nil, typeError("takes at most %d arguments", a.most)
	}
	v := new(any)
	a.positional = append(a.positional, v)
	return v, nil
}

func (a *arguments) Keyword(name []byte) (any, error) {
	v := new(any)
	a.keywords[string(name)] = v
	return v, nil
}

func (a *arguments) None(bool) error { return nil }

func typeError(format string, args ...any) *transport.Error {
	return transport.NewError("TypeError", fmt.Sprintf(format, args...))
}

func valueError(format string, args ...any) *transport.Error {
	return transport.NewError("ValueError", fmt.Sprintf(format, args...))
}
