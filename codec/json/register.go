package json

import "github.com/pyrokit/pyrokit/codec"

func init() { codec.Register(Codec) } //nolint:gochecknoinits // a serializer is known by its name and numbers wherever it is linked
