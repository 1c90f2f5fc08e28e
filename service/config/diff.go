package config

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// Diff returns the paths of what differs between two configurations, in the order of the messages: of fields, of entries
// of chains, and of whole lists where those are of different lengths. It shows no values.
func Diff(a, b *configv1.Config) []string {
	return diffMessages(nil, a.ProtoReflect(), b.ProtoReflect(), "")
}

func diffMessages(found []string, a, b protoreflect.Message, path string) []string {
	if a.Descriptor().FullName() == middlewareName {
		if !protoreflect.ValueOfMessage(a).Equal(protoreflect.ValueOfMessage(b)) {
			found = append(found, path)
		}
		return found
	}
	fields := a.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		at := fieldPath(path, fd)
		switch {
		case a.Has(fd) != b.Has(fd):
			found = append(found, at)
		case !a.Has(fd):
		case fd.IsMap():
			found = diffMaps(found, fd, a.Get(fd).Map(), b.Get(fd).Map(), at)
		case fd.IsList():
			found = diffLists(found, fd, a.Get(fd).List(), b.Get(fd).List(), at)
		default:
			found = diffValues(found, fd, a.Get(fd), b.Get(fd), at)
		}
	}
	return found
}

func diffValues(found []string, fd protoreflect.FieldDescriptor, a, b protoreflect.Value, path string) []string {
	if fd.Message() != nil && fd.Message().FullName().Parent() == configPackage {
		return diffMessages(found, a.Message(), b.Message(), path)
	}
	if !a.Equal(b) {
		found = append(found, path)
	}
	return found
}

func diffLists(found []string, fd protoreflect.FieldDescriptor, a, b protoreflect.List, path string) []string {
	if a.Len() != b.Len() {
		return append(found, path)
	}
	for i := range a.Len() {
		found = diffValues(found, fd, a.Get(i), b.Get(i), indexed(path, i))
	}
	return found
}

func diffMaps(found []string, fd protoreflect.FieldDescriptor, a, b protoreflect.Map, path string) []string {
	for _, key := range mapKeys(a) {
		if at := keyPath(path, key.String()); !b.Has(key) {
			found = append(found, at)
		} else {
			found = diffValues(found, fd.MapValue(), a.Get(key), b.Get(key), at)
		}
	}
	for _, key := range mapKeys(b) {
		if !a.Has(key) {
			found = append(found, keyPath(path, key.String()))
		}
	}
	return found
}

// Secrets returns the secrets of a configuration by the paths of their fields, but for those in chains.
func Secrets(c *configv1.Config) map[string]*configv1.Secret {
	found := map[string]*configv1.Secret{}
	findSecrets(found, c.ProtoReflect(), "")
	return found
}

func findSecrets(found map[string]*configv1.Secret, m protoreflect.Message, path string) {
	if s, ok := m.Interface().(*configv1.Secret); ok {
		found[path] = s
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := fieldPath(path, fd)
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			for _, key := range mapKeys(v.Map()) {
				findSecrets(found, v.Map().Get(key).Message(), keyPath(at, key.String()))
			}
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				findSecrets(found, v.List().Get(i).Message(), indexed(at, i))
			}
		default:
			findSecrets(found, v.Message(), at)
		}
		return true
	})
}

var configPackage = (&configv1.Config{}).ProtoReflect().Descriptor().ParentFile().Package()

// SecretFiles returns the files of a configuration's secrets, those in chains included.
func SecretFiles(c *configv1.Config) []string {
	found := map[string]bool{}
	secretFiles(found, c.ProtoReflect())
	return slices.Sorted(maps.Keys(found))
}

func secretFiles(found map[string]bool, m protoreflect.Message) {
	switch m := m.Interface().(type) {
	case *configv1.Secret:
		if m.GetFile() != "" {
			found[m.GetFile()] = true
		}
		return
	case *anypb.Any:
		if content, err := m.UnmarshalNew(); err == nil { // of an unknown type nothing is known
			secretFiles(found, content.ProtoReflect())
		}
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, item protoreflect.Value) bool {
				secretFiles(found, item.Message())
				return true
			})
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				secretFiles(found, v.List().Get(i).Message())
			}
		default:
			secretFiles(found, v.Message())
		}
		return true
	})
}
