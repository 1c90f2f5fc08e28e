package config

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// CheckFiles reads what the configuration names beside itself: certificates, keys, authorities and secrets, of chains,
// too. It returns what is wrong with them as [Errors], which tell no secret. Nothing is started and nobody is connected to. [Load] leaves
// it out because a configuration is often checked where its secrets are not.
func (f *File) CheckFiles() error {
	var errs []error
	env := Env{Registry: f.registry}
	for path, secret := range Secrets(f.config) {
		if _, err := ReadSecret(secret); err != nil {
			errs = append(errs, &FieldError{Path: path, Err: err})
		}
	}
	eachTLS(f.config.ProtoReflect(), "", func(m *configv1.Tls, listens bool, path string) {
		env := env
		env.Path, env.Secret = path, ReadSecret
		errs = append(errs, readTLS(m, listens, env))
	})
	for _, one := range f.chains(ReadSecret) {
		errs = append(errs, one.err)
	}
	return f.Locate(errors.Join(errs...))
}

func readTLS(m *configv1.Tls, listens bool, env Env) error {
	if listens {
		_, err := ServerTLS(m, env)
		return err
	}
	_, err := ClientTLS(m, env)
	return err
}

// eachTLS calls do for the TLS of all that listens or connects.
func eachTLS(m protoreflect.Message, path string, do func(m *configv1.Tls, listens bool, path string)) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := fieldPath(path, fd)
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			for _, key := range mapKeys(v.Map()) {
				eachTLS(v.Map().Get(key).Message(), keyPath(at, key.String()), do)
			}
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				eachTLS(v.List().Get(i).Message(), indexed(at, i), do)
			}
		default:
			if found, ok := v.Message().Interface().(*configv1.Tls); ok {
				do(found, isListener(m), at)
				return true
			}
			eachTLS(v.Message(), at, do)
		}
		return true
	})
}

// isListener tells whether the TLS of a message is of what listens.
func isListener(m protoreflect.Message) bool {
	switch m.Interface().(type) {
	case *configv1.Server, *configv1.Admin:
		return true
	default:
		return false
	}
}
