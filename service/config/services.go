package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/echo"
	"github.com/pyrokit/pyrokit/transport"
)

// NewService returns the service that m describes. shutdown is what an echo server ends the program with, where callers
// may; nil refuses such a service.
func NewService(m *configv1.Service, env Env, shutdown func()) (*service.Service, error) {
	b := newBuilder(env, transport.ServerEnd)
	var s *service.Service
	switch kind := m.GetKind().(type) {
	case *configv1.Service_Echo:
		s = b.echo(kind.Echo, shutdown)
	case *configv1.Service_Static:
		s = b.static(kind.Static)
	default:
		b.failed("kind", errors.New("a service needs one of echo and static"))
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	s = s.Named(m.GetName()).Tagged(m.GetMetadata()...)
	if err := s.Err(); err != nil {
		return nil, &FieldError{Path: env.Path, Err: err}
	}
	return s, nil
}

func (b *builder) echo(m *configv1.Echo, shutdown func()) *service.Service {
	cfg := echo.Config{Log: b.env.Log}
	if m.GetAllowShutdown() {
		cfg.Shutdown = shutdown
		if shutdown == nil {
			b.failed("echo.allow_shutdown", errors.New("nothing here can be ended by its callers"))
		}
	}
	return echo.New(cfg)
}

// static returns a service that answers with what stands in the configuration.
func (b *builder) static(m *configv1.Static) *service.Service {
	s := service.New("static")
	for _, name := range slices.Sorted(maps.Keys(m.GetMethods())) {
		value := plain(m.GetMethods()[name])
		s.Method(name, func() any { return value })
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetAttributes())) {
		value := plain(m.GetAttributes()[name])
		if _, twice := m.GetMethods()[name]; twice {
			b.failed("static.attributes", fmt.Errorf("%s is a method already", name))
			continue
		}
		s.Property(name, func() any { return value }, nil)
	}
	return s
}

// plain is a value as Python is to see it: numbers without a fraction are integers.
func plain(v *structpb.Value) any {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		if n := kind.NumberValue; n == math.Trunc(n) && math.Abs(n) <= 1<<53 {
			return int64(n)
		}
		return kind.NumberValue
	case *structpb.Value_ListValue:
		list := make([]any, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			list[i] = plain(item)
		}
		return list
	case *structpb.Value_StructValue:
		dict := make(map[string]any, len(kind.StructValue.GetFields()))
		for key, item := range kind.StructValue.GetFields() {
			dict[key] = plain(item)
		}
		return dict
	default:
		return v.AsInterface()
	}
}
