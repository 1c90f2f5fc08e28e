package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// serverName is the message whose chain is a server's; all others are of what connects.
var serverName = (&configv1.Server{}).ProtoReflect().Descriptor().FullName()

// checkChains makes each chain once, to find what is wrong with it before anything is built: settings that do not go
// together, and middlewares where they are of no use. Secrets are not read.
func (f *File) checkChains(r *Registry) error {
	var errs []error
	eachChain(f.config.ProtoReflect(), "", func(chain *configv1.Chain, end transport.End, path string) {
		env := Env{Path: path, Registry: r, Metrics: prometheus.NewRegistry(), Tracing: noop.NewTracerProvider()}
		env.End = end
		env.Secret = unread
		made, err := Chain(chain, env)
		if err != nil {
			errs = append(errs, err)
			return
		}
		for _, warning := range made.Warnings() {
			located := &collector{}
			f.locate(located, warning)
			f.warnings = append(f.warnings, located.list...)
		}
	})
	return f.Locate(errors.Join(errs...))
}

// unread stands for a secret in checks: long enough for any rule, and another one for each place it comes from.
func unread(s *configv1.Secret) (string, error) {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(s.String()))), nil
}

// Warnings returns what works but would do better otherwise, such as the order of a chain.
func (f *File) Warnings() []*Error { return f.warnings }

// eachChain calls do with each chain in a message.
func eachChain(m protoreflect.Message, path string, do func(chain *configv1.Chain, end transport.End, path string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || !m.Has(fd) {
			continue
		}
		at := fieldPath(path, fd)
		switch v := m.Get(fd); {
		case fd.Message().FullName() == chainName:
			end := transport.ClientEnd
			if m.Descriptor().FullName() == serverName {
				end = transport.ServerEnd
			}
			if chain, ok := v.Message().Interface().(*configv1.Chain); ok {
				do(chain, end, at)
			}
		case fd.IsMap() && fd.MapValue().Message() != nil:
			for _, key := range mapKeys(v.Map()) {
				eachChain(v.Map().Get(key).Message(), keyPath(at, key.String()), do)
			}
		case fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				eachChain(v.List().Get(i).Message(), at+"["+strconv.Itoa(i)+"]", do)
			}
		default:
			eachChain(v.Message(), at, do)
		}
	}
}
