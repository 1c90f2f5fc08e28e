package service

import (
	"fmt"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// daemon returns the object that tells about all others, as every Pyro daemon has one (Pyro5 manual,
// "The daemon object"). Items of remote iterators never come here: the transport fetches them.
func (s *Server) daemon() *Service {
	d := New(pyro.DaemonObject)
	d.Method("ping", func() {})
	d.Method("registered", s.registered)
	d.Method("info", s.info)
	d.Method("get_metadata", s.metadataOf, Params("objectId", Default("as_lists", false)))
	d.Method("get_next_stream_item", func(string) error { return transport.NewError("PyroError", "item stream terminated") })
	d.Method("close_stream", func(string) {}) // not declared one-way: who wants no reply says so
	return d
}

func (s *Server) registered() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]string{pyro.DaemonObject}, s.order...)
}

func (s *Server) info() string {
	var where []string
	for _, u := range s.URIs("") {
		where = append(where, u.Location())
	}
	return fmt.Sprintf("%s bound on %s, NAT None, %d objects registered. Servertype: pyrokit; %d connections",
		pyro.DaemonObject, strings.Join(where, ", "), len(s.registered()), s.wire.Connections())
}

func (s *Server) metadataOf(object string, asLists bool) (any, error) {
	svc := s.service(object)
	if svc == nil {
		return nil, transport.NewError("DaemonError", "unknown object")
	}
	m := svc.exposed()
	collect := func(names []string) any {
		if asLists {
			return names
		}
		set := codec.NewSet()
		for _, n := range names {
			set.Add(n)
		}
		return set
	}
	return map[string]any{"methods": collect(m.Methods), "oneway": collect(m.Oneway), "attrs": collect(m.Attrs)}, nil
}
