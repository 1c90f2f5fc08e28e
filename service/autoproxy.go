package service

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// served knows what running servers answer for.
var served = directory{homes: map[any][]home{}, types: map[reflect.Type]bool{}}

// A directory says which values travel as a proxy: those that a service stands for which a running server
// answers for, by their identity. It forgets them when the service is removed or the server ends.
type directory struct {
	mu    sync.RWMutex // guards what follows
	homes map[any][]home
	types map[reflect.Type]bool // that an encoder was registered for
}

// A home is a server that answers for a service.
type home struct {
	server  *Server
	service *Service
}

func init() { //nolint:gochecknoinits // values are encoded far from the servers that answer for them
	codec.Default.RegisterEncoder(reflect.TypeFor[*Service](), encodeService)
	codec.Default.RegisterEncoder(reflect.TypeFor[*Server](), func(any, codec.Dialect) (any, error) { return pyro.Daemon{}, nil })
}

// standIns are the values that travel as a proxy of s: itself, and what it was made of.
func (s *Service) standIns() []any {
	if s.value == nil {
		return []any{s}
	}
	return []any{s, s.value}
}

func (d *directory) add(s *Service, at home) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range s.standIns() {
		d.homes[v] = append(d.homes[v], at)
	}
	if s.value != nil {
		d.registerType(reflect.TypeOf(s.value))
	}
}

func (d *directory) remove(s *Service, server *Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range s.standIns() {
		rest := slices.DeleteFunc(d.homes[v], func(h home) bool { return h.server == server && h.service == s })
		if len(rest) == 0 {
			delete(d.homes, v)
		} else {
			d.homes[v] = rest
		}
	}
}

// find returns the server that was first to answer for v.
func (d *directory) find(v any) (home, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if all := d.homes[v]; len(all) > 0 {
		return all[0], true
	}
	return home{}, false
}

// registerType has values of type t looked up when they are written. What was registered for t before is
// asked about all others.
func (d *directory) registerType(t reflect.Type) {
	if d.types[t] {
		return
	}
	d.types[t] = true
	before, _ := codec.Default.Encoder(t)
	codec.Default.RegisterEncoder(t, func(v any, dialect codec.Dialect) (any, error) {
		if h, ok := d.find(v); ok {
			return h.proxy()
		}
		if before != nil {
			return before(v, dialect)
		}
		return nil, codec.ErrAsIs
	})
}

func encodeService(v any, _ codec.Dialect) (any, error) {
	s, _ := v.(*Service)
	h, ok := served.find(s)
	if !ok {
		return nil, fmt.Errorf("no running server answers for the service %s: add it to one before it is passed on", s.name)
	}
	return h.proxy()
}

// preferred returns the serializer that a proxy names for a server which accepts those: none where it
// accepts serpent, which everybody uses unless told otherwise.
func preferred(accepted []string) string {
	if len(accepted) == 0 || slices.Contains(accepted, pyro.Serpent) {
		return ""
	}
	i := slices.IndexFunc(accepted, func(name string) bool { return !pyro.IsPickle(name) }) // both dialects know these
	return accepted[max(i, 0)]
}

// proxy returns the proxy that travels in the place of a value, with the address that the server
// published first.
func (h home) proxy() (pyro.ProxyState, error) {
	for _, u := range h.server.URIs(h.service.name) {
		if u.Location() != "" {
			exposed := h.service.exposed()
			return pyro.ProxyState{
				URI: u, Methods: exposed.Methods, Oneway: exposed.Oneway, Attrs: exposed.Attrs,
				Serializer: preferred(h.server.cfg.pb.GetSerializers()),
			}, nil
		}
	}
	return pyro.ProxyState{}, errors.New("the server has no address that a proxy for " + h.service.name + " could name")
}
