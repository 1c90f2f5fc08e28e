package config

import (
	"errors"
	"log/slog"

	"github.com/pyrokit/pyrokit/transport"
)

// A builder makes something of a message and collects what is wrong with it.
type builder struct {
	env  Env
	path string // of the message
	errs []error
}

// newBuilder returns a builder of the message at env.Path.
func newBuilder(env Env, end transport.End) *builder {
	env.End = end
	if env.Log == nil {
		env.Log = slog.Default()
	}
	if env.Secret == nil {
		env.Secret = ReadSecret
	}
	return &builder{env: env, path: env.Path}
}

// at returns the path of a field of the message.
func (b *builder) at(field string) string {
	if b.path == "" {
		return field
	}
	return b.path + "." + field
}

// in returns the environment of what is built of a field.
func (b *builder) in(field string) Env {
	env := b.env
	env.Path = b.at(field)
	return env
}

// failed notes why the field is wrong, unless err is nil.
func (b *builder) failed(field string, err error) {
	if err != nil {
		b.errs = append(b.errs, &FieldError{Path: b.at(field), Err: err})
	}
}

// also notes errors that say themselves which field they are about.
func (b *builder) also(err error) {
	if err != nil {
		b.errs = append(b.errs, err)
	}
}

func (b *builder) err() error { return errors.Join(b.errs...) }
