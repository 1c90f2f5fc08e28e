package service

import (
	"cmp"
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

var (
	uriType = reflect.TypeFor[pyro.URI]()
	// ownURIs is how this toolkit has URIs written, before a program can register something else.
	ownURIs = uriEncoder(codec.Default) //nolint:gochecknoglobals // a constant
)

// uriEncoder returns which function writes URIs.
func uriEncoder(classes *codec.Registry) uintptr {
	fn, _ := classes.Encoder(uriType)
	return reflect.ValueOf(fn).Pointer()
}

// A uriForm says whether URIs are written as usual by what was registered up to a version of the server's classes.
type uriForm struct {
	version uint64
	usual   bool
}

// isDirect tells whether nothing but the serializer sees what answers call.
func (s *Server) isDirect(call *transport.Call) bool {
	return len(s.cfg.chain) == 0 && call.Args.Encoded() && s.usualURIs()
}

// usualURIs tells whether no encoder of the program's own writes URIs.
func (s *Server) usualURIs() bool {
	classes := cmp.Or(s.cfg.registry, codec.Default)
	version := classes.Version()
	form := s.uriForm.Load()
	if form == nil || form.version != version {
		form = &uriForm{version: version, usual: uriEncoder(classes) == ownURIs}
		s.uriForm.Store(form)
	}
	return form.usual
}
