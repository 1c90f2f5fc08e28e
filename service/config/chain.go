package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// A BuiltChain is a chain that was made from configuration. It does not change.
type BuiltChain struct {
	entries  []entry
	warnings []*FieldError
}

// An entry is a middleware and what it was made from.
type entry struct {
	transport.Middleware

	config  proto.Message
	secrets [sha256.Size]byte // a digest of those that were read
}

// same tells whether e and o are made from the same.
func (e *entry) same(o *entry) bool {
	return e.Name == o.Name && e.secrets == o.secrets && proto.Equal(e.config, o.config)
}

// Gives tells whether one of the middlewares gives what, as [transport.Order] has it: "principal", "permission".
func (c *BuiltChain) Gives(what string) bool {
	return slices.ContainsFunc(c.entries, func(e entry) bool { return slices.Contains(e.Order.Gives, what) })
}

// OtherSecrets returns the places of middlewares that before has, too, with the same settings but other secrets.
func (c *BuiltChain) OtherSecrets(before *BuiltChain) []int {
	var places []int
	for i := range c.entries {
		e := &c.entries[i]
		if slices.ContainsFunc(before.entries, func(o entry) bool {
			return e.Name == o.Name && e.secrets != o.secrets && proto.Equal(e.config, o.config)
		}) {
			places = append(places, i)
		}
	}
	return places
}

// Chain makes the middlewares of m; nil is an empty chain. Errors are [FieldError], several of them joined: what is wrong in a
// message, and middlewares that are of no use where they stand, or not at this end.
func Chain(m *configv1.Chain, env Env) (*BuiltChain, error) {
	if env.Registry == nil {
		env.Registry = Default()
	}
	c := &BuiltChain{}
	var errs []error
	for i, one := range m.GetMiddlewares() {
		made, err := build(one, env, env.Path+"["+strconv.Itoa(i)+"]")
		c.entries = append(c.entries, made)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := c.checkOrder(env); err != nil {
		return nil, err
	}
	return c, nil
}

// build makes the middleware of one entry, which stands at path.
func build(m *configv1.Middleware, env Env, path string) (entry, error) {
	full := m.GetConfig().MessageName()
	k := env.Registry.byMessage(full)
	if k == nil {
		return entry{}, &FieldError{Path: path + ".config", Err: fmt.Errorf("message %q is no middleware's", full)}
	}
	path += "." + k.name
	content := k.message.New().Interface()
	if err := proto.Unmarshal(m.GetConfig().GetValue(), content); err != nil {
		return entry{}, &FieldError{Path: path, Err: fmt.Errorf("read %s: %w", full, err)}
	}
	read := sha256.New()
	if secret := env.Secret; secret != nil {
		env.Secret = func(s *configv1.Secret) (string, error) {
			value, err := secret(s)
			read.Write(append([]byte(value), 0))
			return value, err
		}
	}
	made, err := k.make(content, env)
	if err != nil {
		return entry{}, fieldErrors(path, err)
	}
	if made.Name = m.GetName(); made.Name == "" {
		made.Name = k.name
	}
	return entry{Middleware: made, config: content, secrets: [sha256.Size]byte(read.Sum(nil))}, nil
}

// fieldErrors returns what a middleware at path found wrong as FieldErrors of the whole configuration.
func fieldErrors(path string, err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, fieldErrors(path, one))
		}
		return errors.Join(all...)
	}
	if field, ok := errors.AsType[*middleware.FieldError](err); ok {
		return &FieldError{Path: path + "." + field.Path, Err: field.Err}
	}
	return &FieldError{Path: path, Err: err}
}

func (c *BuiltChain) checkOrder(env Env) error {
	var errs []error
	for _, wrong := range transport.CheckOrder(env.End, c.middlewares()) {
		found := &FieldError{Path: env.Path + "[" + strconv.Itoa(wrong.Index) + "]", Err: wrong}
		if wrong.Fatal {
			errs = append(errs, found)
		} else {
			c.warnings = append(c.warnings, found)
		}
	}
	return errors.Join(errs...)
}

func (c *BuiltChain) middlewares() []transport.Middleware {
	all := make([]transport.Middleware, len(c.entries))
	for i := range c.entries {
		all[i] = c.entries[i].Middleware
	}
	return all
}

// Order returns the names of the middlewares, the outermost first.
func (c *BuiltChain) Order() []string {
	names := make([]string, len(c.entries))
	for i := range c.entries {
		names[i] = c.entries[i].Name
	}
	return names
}

// Warnings returns what the chain would do better in another order.
func (c *BuiltChain) Warnings() []*FieldError { return slices.Clone(c.warnings) }

// Middleware returns the chain as one middleware.
func (c *BuiltChain) Middleware() transport.Middleware { return transport.Chain(c.middlewares()...) }
