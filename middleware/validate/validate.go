package validate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

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
	paths   []string // what errors call the parameters
}

func newShape(s Shape) shape {
	paths := make([]string, len(s.Params))
	for i := range s.Params {
		paths[i] = "argument " + s.Params[i].Name
	}
	return shape{Shape: s, pattern: middleware.ParsePattern(s.Calls), paths: paths}
}

// Calls declares shapes. The first one that fits a call counts.
func Calls(shapes ...Shape) Option {
	return func(c *config) {
		for _, s := range shapes {
			c.shapes = append(c.shapes, newShape(s))
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
	given, _ := idle.Get().(*arguments)
	defer given.free()
	if err := given.read(s, args, skip); err != nil {
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
		if err := p.check(s.paths[i], v); err != nil {
			return err
		}
	}
	if len(given.keywords) > 0 && !s.MoreKeywords {
		return typeError("got unexpected keyword arguments %s", strings.Join(slices.Sorted(maps.Keys(given.keywords)), ", "))
	}
	return nil
}

// arguments are those of a call; it is a codec.ArgSink, too.
type arguments struct {
	skip, most int  // positional ones in front that do not count, and that the shape knows
	more       bool // others are allowed
	positional []any
	keywords   map[string]any

	n    int    // positional ones that were decoded
	room [8]any // the first of them
	rest []*any // those beyond
	// named are keywords while they are decoded.
	named map[string]*any
}

var (
	_    codec.ArgSink = (*arguments)(nil)
	idle               = sync.Pool{New: func() any { return &arguments{} }}
)

func (a *arguments) free() {
	*a = arguments{}
	idle.Put(a)
}

// read has a hold args, without the first skip ones.
func (a *arguments) read(s *shape, args *transport.Args, skip int) *transport.Error {
	if !args.Encoded() {
		a.positional = args.Positional
		if !args.Keywords.IsNone() {
			a.keywords = maps.Clone(args.Keywords)
		}
		return nil
	}
	a.skip, a.most, a.more = skip, len(s.Params), s.MoreArgs
	if err := args.Decode(a); err != nil {
		if e := transport.AsError(err); e.Class != "" {
			return e
		}
		return typeError("%v", err)
	}
	a.positional = a.room[:min(a.n, len(a.room))]
	for _, v := range a.rest {
		a.positional = append(a.positional, *v)
	}
	if len(a.named) > 0 {
		a.keywords = make(map[string]any, len(a.named))
	}
	for name, v := range a.named {
		a.keywords[name] = *v
	}
	return nil
}

func (a *arguments) Positional(i int) (any, error) {
	if i < a.skip {
		return new(any), nil
	}
	if i-a.skip >= a.most && !a.more { // without decoding it
		return nil, typeError("takes at most %d arguments", a.most)
	}
	a.n++
	if a.n <= len(a.room) {
		return &a.room[a.n-1], nil
	}
	v := new(any)
	a.rest = append(a.rest, v)
	return v, nil
}

func (a *arguments) Keyword(name []byte) (any, error) {
	if a.named == nil {
		a.named = map[string]*any{}
	}
	v := new(any)
	a.named[string(name)] = v
	return v, nil
}

func (a *arguments) None(bool) error { return nil }

func typeError(format string, args ...any) *transport.Error {
	return transport.NewError("TypeError", fmt.Sprintf(format, args...))
}

func valueError(format string, args ...any) *transport.Error {
	return transport.NewError("ValueError", fmt.Sprintf(format, args...))
}
