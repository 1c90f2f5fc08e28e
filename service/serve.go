package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Serve serves objects until ctx ends: the keys are *Service, or values whose exported methods are served
// as [Of] has it, or [Names]; the values are their names. An object with an empty name keeps that of its *Service, or
// gets a generated id. Where each of them is goes to the server's logger.
//
//	err := service.Serve(ctx, map[any]string{&Greeter{}: "example.greeting"},
//		service.Announce(nameserver.Registrar(pyro.DialConfig{})))
//
// Without [Announce] no name server knows of them, as with Pyro's serve(..., use_ns=False). Without
// [Listen] they are on a free port of localhost.
func Serve(ctx context.Context, objects map[any]string, opts ...ServerOption) error {
	s := NewServer(opts...)
	var errs []error
	for object, name := range objects {
		svc, err := serviceOf(object, name, s.cfg.naming)
		if err == nil {
			err = s.Add(svc)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.logURIs = true
	return s.Run(ctx)
}

// serviceOf returns the service that an object of Serve is.
func serviceOf(object any, name string, naming Naming) (*Service, error) {
	svc, ok := object.(*Service)
	switch {
	case ok && name == "":
		return svc, nil
	case ok && svc.name != name && !svc.generated:
		return nil, fmt.Errorf("service %s: cannot be served as %s, too", svc.name, name)
	case ok:
		return svc.Named(name), nil
	default:
		return Of(object, naming).Named(name), nil
	}
}

// logServed logs where each service is.
func (s *Server) logServed() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if s.isOwn(name) {
			continue
		}
		s.log.Info("serving", "uri", s.uri(name).String())
	}
}
