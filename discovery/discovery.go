package discovery

import (
	"context"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// An Entry is an object that is known by name.
type Entry struct {
	Name     string
	URI      pyro.URI
	Metadata []string // tags, in no order
}

// A Resolver looks entries up. Resolve returns the entry with exactly this name; an unknown name is an
// error that errors.Is matches with transport.ErrNotFound.
type Resolver interface {
	Resolve(ctx context.Context, name string) (Entry, error)
}

// A TagResolver is a Resolver that looks entries up by their metadata, too. ResolveTags returns those with
// all of tags; none at all is an error that errors.Is matches with transport.ErrNotFound.
type TagResolver interface {
	Resolver
	ResolveTags(ctx context.Context, tags []string) ([]Entry, error)
}

// A Registrar makes entries known. Register replaces an entry of the same name and is harmless when
// repeated; Unregister of an unknown name is no error.
type Registrar interface {
	Register(ctx context.Context, e Entry) error
	Unregister(ctx context.Context, e Entry) error
}
