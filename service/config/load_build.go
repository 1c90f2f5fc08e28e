package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
)

// checkBuilt makes once what is made of the configuration when it runs, to find what is wrong with it before: where name
// servers are, URIs, settings that do not go together. Neither secrets nor certificates are read, nothing listens, and nobody
// is connected to. Chains have been made by checkChains.
func (f *File) checkBuilt() error {
	var errs []error
	eachTLS(f.config.ProtoReflect(), "", func(m *configv1.Tls, listens bool, path string) {
		errs = append(errs, checkTLS(m, listens, Env{Path: path}))
	})
	c := proto.CloneOf(f.config)
	clearChecked(c.ProtoReflect())
	env := func(path string) Env {
		env := Env{Path: path, Registry: f.registry, Metrics: prometheus.NewRegistry(), Tracing: noop.NewTracerProvider()}
		env.Secret = unread
		return env
	}
	for _, name := range slices.Sorted(maps.Keys(c.GetProxies())) {
		path := keyPath("proxies", name)
		p, err := Connect(c.GetProxies()[name], env(path))
		if err == nil {
			err = p.Close()
		}
		errs = append(errs, err)
	}
	_, err := ServerOptions(c.GetNameServer().GetServer(), env("name_server.server"))
	errs = append(errs, err, checkServer(c, env))
	b := newBuilder(env("client"), 0)
	b.locations("name_servers", c.GetClient().GetNameServers())
	errs = append(errs, b.err())
	if traces := f.config.GetTraces(); traces != nil {
		_, err := TracesURL(traces, "traces")
		errs = append(errs, err)
	}
	return f.Locate(errors.Join(errs...))
}

// checkServer makes the server with its services.
func checkServer(c *configv1.Config, env func(path string) Env) error {
	opts, err := ServerOptions(c.GetServer(), env("server"))
	errs := []error{err}
	srv := service.NewServer(opts...)
	first := map[string]int{} // services by name
	for i, m := range c.GetServices() {
		path := indexed("services", i)
		s, err := NewService(m, env(path), func() {})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if srv.Add(s) == nil {
			first[m.GetName()] = i
			continue
		}
		taken := errors.New("is the name of the server's own object: want another one")
		if before, is := first[m.GetName()]; is {
			taken = fmt.Errorf("services[%d] has this name, too: want another one", before)
		}
		errs = append(errs, &FieldError{Path: path + ".name", Err: taken})
	}
	return errors.Join(errs...)
}

// clearChecked takes out what is checked by itself: chains and TLS.
func clearChecked(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					clearChecked(v.Message())
					return true
				})
			}
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				clearChecked(v.List().Get(i).Message())
			}
		case fd.Message().FullName() == chainName || fd.Message().FullName() == tlsName:
			m.Clear(fd)
		default:
			clearChecked(v.Message())
		}
		return true
	})
}

var tlsName = (&configv1.Tls{}).ProtoReflect().Descriptor().FullName()

// locations notes which of a list of name servers are none.
func (b *builder) locations(field string, list []string) {
	for i, at := range list {
		_, err := nameserver.ParseLocation(at)
		b.failed(indexed(field, i), err)
	}
}
