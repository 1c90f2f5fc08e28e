package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// A property is an attribute's getter and, if it can be set, setter.
type property struct {
	get *method
	set *method
}

func planProperty(name string, get, set any, of *instances) (*property, error) {
	g, err := planMethod(name, get, of, nil)
	if err != nil {
		return nil, fmt.Errorf("getter: %w", err)
	}
	if len(g.params) != 0 || g.variadic || g.results != 1 {
		return nil, errors.New("a getter takes nothing (or a context) and returns one value or iterator (and an error)")
	}
	p := &property{get: g}
	if set == nil {
		return p, nil
	}
	if p.set, err = planMethod(name, set, of, nil); err != nil {
		return nil, fmt.Errorf("setter: %w", err)
	}
	if len(p.set.params) != 1 || p.set.variadic || p.set.results != 0 {
		return nil, errors.New("a setter takes one value (and a context) and returns nothing (or an error)")
	}
	if want, got := g.fn.Type().Out(0), p.set.params[0].typ; want != got {
		return nil, fmt.Errorf("the getter returns %s, but the setter takes %s", want, got)
	}
	return p, nil
}

// locate is method.locate for both functions.
func (p *property) locate(file string, line int) {
	p.get.locate(file, line)
	if p.set != nil {
		p.set.locate(file, line)
	}
}

func (p *property) read(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	f := p.get.newFrame()
	defer f.free()
	return p.get.carryOut(ctx, call, f)
}

// write sets the attribute to the second of the arguments (name, value).
func (p *property) write(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	f := p.set.newFrame()
	defer f.free()
	sink := attributeValue{dst: f.ptrs[0]}
	if err := call.Args.Decode(&sink); err != nil {
		if types, ok := errors.AsType[*codec.TypeError](err); ok { // the caller knows of no arguments
			types.Path = p.set.name + strings.TrimPrefix(types.Path, "args[1]")
		}
		return nil, argumentError(err)
	}
	if sink.got != 2 {
		return nil, typeError("setting %s takes one value, %d were given", p.set.name, sink.got-1)
	}
	return p.set.carryOut(ctx, call, f)
}

// attributeValue takes the second positional argument and passes over the others.
type attributeValue struct {
	dst any
	got int
}

func (a *attributeValue) Positional(i int) (any, error) {
	a.got = i + 1
	if i == 1 {
		return a.dst, nil
	}
	var ignored any
	return &ignored, nil
}

func (a *attributeValue) Keyword([]byte) (any, error) {
	var ignored any
	return &ignored, nil
}

func (a *attributeValue) None(bool) error { return nil }
