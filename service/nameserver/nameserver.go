// Package nameserver is the name server's object: what Pyro.NameServer does for Pyro4 and Pyro5 clients
// on the same port, on the storages of discovery/nameserver.
//
//	ns := nameserver.New()
//	srv := service.NewServer(service.Listen("tcp", "localhost:9090"))
//	err := srv.Add(ns.Service())
//	err = srv.Start()
//	ns.RegisterSelf(srv.URI(nameserver.ObjectName))
//
// Source of names, defaults and error texts: the Pyro5 manual, "Name Server", and Pyro4's.
package nameserver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// ObjectName is the id, and the name, of the name server.
const ObjectName = nameserver.ObjectName

// selfTags is the metadata that Python's name servers register themselves with, one for each dialect.
var selfTags = []string{"class:Pyro4.naming.NameServer", "class:Pyro5.nameserver.NameServer"}

// A NameServer answers for names. Its methods may be called concurrently.
type NameServer struct {
	store *nameserver.Memory
}

// New returns an empty name server.
func New() *NameServer { return &NameServer{store: nameserver.NewMemory()} }

// RegisterSelf makes the name server known under its own name, as Python's are.
func (n *NameServer) RegisterSelf(uri pyro.URI) {
	n.store.Put(ObjectName, nameserver.Record{URI: uri.String(), Tags: selfTags}, false)
}

// Count returns the number of names.
func (n *NameServer) Count() int { return n.store.Len() }

// Service returns the object for a server to answer for.
func (n *NameServer) Service() *service.Service {
	s := service.New(ObjectName)
	s.Method("ping", func() {})
	s.Method("count", n.store.Len)
	s.Method("register", n.register, service.Params("name", "uri",
		service.Default("safe", false), service.Default("metadata", nil)))
	s.Method("lookup", n.lookup, service.Params("name", service.Default("return_metadata", false)))
	s.Method("list", n.list, service.Params(service.Default("prefix", nil), service.Default("regex", nil),
		service.Default("metadata_all", nil), service.Default("metadata_any", nil), service.Default("return_metadata", false)))
	s.Method("yplookup", n.yplookup, service.Params(service.Default("meta_all", nil),
		service.Default("meta_any", nil), service.Default("return_metadata", true)))
	s.Method("set_metadata", n.setMetadata, service.Params("name", "metadata"))
	s.Method("remove", n.remove, service.Params(service.Default("name", nil),
		service.Default("prefix", nil), service.Default("regex", nil)))
	return s
}

func (n *NameServer) register(name, uri any, safe bool, metadata any) error {
	key, err := nameOf(name)
	if err != nil {
		return err
	}
	location, err := uriOf(uri)
	if err != nil {
		return err
	}
	tags, err := tagsOf("metadata", metadata)
	if err != nil {
		return err
	}
	if !n.store.Put(key, nameserver.Record{URI: location, Tags: tags}, safe) {
		return transport.NewError("NamingError", "name already registered: "+key)
	}
	return nil
}

func nameOf(v any) (string, error) {
	name, ok := v.(string)
	if !ok {
		return "", transport.NewError("TypeError", "name must be a str")
	}
	return name, nil
}

func uriOf(v any) (string, error) {
	switch x := v.(type) {
	case pyro.URI:
		return x.String(), nil
	case string:
		u, err := pyro.ParseURI(x)
		if bad, ok := errors.AsType[*pyro.URIError](err); ok {
			return "", transport.NewError("PyroError", bad.Reason)
		}
		return u.String(), nil
	default:
		return "", transport.NewError("TypeError", "only URIs or strings can be registered")
	}
}

// tagsOf reads metadata: any iterable of texts, but not a text.
func tagsOf(what string, v any) ([]string, error) {
	var items []any
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []any:
		items = x
	case codec.Tuple:
		items = x
	case codec.Set:
		items = slices.Collect(x.All())
	default:
		return nil, transport.NewError("TypeError", what+" should not be a str, but another iterable (set, list, etc)")
	}
	tags := make([]string, 0, len(items))
	for _, item := range items {
		tag, ok := item.(string)
		if !ok {
			return nil, transport.NewError("TypeError", what+" should hold texts only")
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

func (n *NameServer) lookup(ctx context.Context, name, withMetadata any) (any, error) {
	key, err := nameOf(name)
	if err != nil {
		return nil, err
	}
	r, ok := n.store.Get(key)
	if !ok {
		return nil, transport.NewError("NamingError", "unknown name: "+key)
	}
	uri, err := pyro.ParseURI(r.URI)
	if err != nil {
		return nil, transport.NewError("PyroError", err.Error())
	}
	if isTrue(withMetadata) {
		return codec.Tuple{uri, tagsFor(ctx, r.Tags)}, nil
	}
	return uri, nil
}

// isTrue is Python's bool(): Pyro5 itself passes a number, its lookup delay, for return_metadata.
func isTrue(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	default:
		return true
	}
}

// tagsFor gives metadata the shape that the caller's dialect has: a list in Pyro4, a set in Pyro5.
func tagsFor(ctx context.Context, tags []string) any {
	if dialect(ctx) == codec.Pyro4 {
		return append([]string{}, tags...)
	}
	set := codec.NewSet()
	for _, t := range tags {
		set.Add(t)
	}
	return set
}

func dialect(ctx context.Context) codec.Dialect {
	info := transport.FromContext(ctx)
	if info == nil || info.Peer == nil {
		return 0
	}
	return info.Peer.Dialect
}

// list has Pyro4's parameters. In Pyro5 the third one is return_metadata, which only a positional
// argument can confuse.
func (n *NameServer) list(ctx context.Context, prefix, regex *string, all, anyOf any, withMetadata bool) (any, error) {
	if flag, ok := all.(bool); ok && dialect(ctx) == codec.Pyro5 {
		all, withMetadata = nil, flag
	}
	match, filters, err := nameFilter(dialect(ctx), prefix, regex)
	if err != nil {
		return nil, err
	}
	tags, filters2, err := tagFilter(dialect(ctx), all, anyOf)
	if err != nil {
		return nil, err
	}
	if filters+filters2 > 1 {
		return nil, transport.NewError("ValueError", "you can only filter on one thing at a time")
	}
	return n.entries(ctx, func(name string, r nameserver.Record) bool { return match(name) && tags(r) }, withMetadata), nil
}

func (n *NameServer) yplookup(ctx context.Context, all, anyOf any, withMetadata bool) (any, error) {
	match, filters, err := tagFilter(codec.Pyro5, all, anyOf)
	switch {
	case err != nil:
		return nil, err
	case filters == 0:
		return map[string]any{}, nil
	case filters > 1:
		return nil, transport.NewError("ValueError", "you can't use meta_all or meta_any at the same time")
	}
	return n.entries(ctx, func(_ string, r nameserver.Record) bool { return match(r) }, withMetadata), nil
}

func (n *NameServer) entries(ctx context.Context, match func(string, nameserver.Record) bool, withMetadata bool) map[string]any {
	result := map[string]any{}
	for _, name := range n.store.Find(match) {
		r, ok := n.store.Get(name)
		switch {
		case !ok: // removed meanwhile
		case withMetadata:
			result[name] = codec.Tuple{r.URI, tagsFor(ctx, r.Tags)}
		default:
			result[name] = r.URI
		}
	}
	return result
}

// nameFilter returns what chooses names, and how many filters were given: in Pyro4 those that are not
// None, in Pyro5 those that are not empty.
func nameFilter(d codec.Dialect, prefix, regex *string) (func(string) bool, int, error) {
	given := func(s *string) bool { return s != nil && (*s != "" || d == codec.Pyro4) }
	filters := 0
	match := func(string) bool { return true }
	if given(prefix) {
		filters++
		match = func(name string) bool { return strings.HasPrefix(name, *prefix) }
	}
	if given(regex) {
		filters++
		re, err := regexp.Compile(`\A(?:` + *regex + `)`)
		if err != nil {
			return nil, 0, transport.NewError("NamingError", fmt.Sprintf("invalid regex: %v", err))
		}
		match = re.MatchString
	}
	return match, filters, nil
}

// tagFilter returns what chooses records by their tags, and how many filters were given, counted as
// nameFilter counts them. Pyro5 has renamed its parameters, but not their names in errors.
func tagFilter(d codec.Dialect, all, anyOf any) (func(nameserver.Record) bool, int, error) {
	wantAll, err := tagsOf("metadata_all", all)
	if err != nil {
		return nil, 0, err
	}
	wantAny, err := tagsOf("metadata_any", anyOf)
	if err != nil {
		return nil, 0, err
	}
	filters := 0
	if len(wantAll) > 0 || all != nil && d == codec.Pyro4 {
		filters++
	}
	if len(wantAny) > 0 || anyOf != nil && d == codec.Pyro4 {
		filters++
	}
	return func(r nameserver.Record) bool {
		for _, tag := range wantAll {
			if !slices.Contains(r.Tags, tag) {
				return false
			}
		}
		return len(wantAny) == 0 || slices.ContainsFunc(wantAny, func(tag string) bool { return slices.Contains(r.Tags, tag) })
	}, filters, nil
}

func (n *NameServer) setMetadata(name, metadata any) error {
	key, err := nameOf(name)
	if err != nil {
		return err
	}
	tags, err := tagsOf("metadata", metadata)
	if err != nil {
		return err
	}
	if !n.store.SetTags(key, tags) {
		return transport.NewError("NamingError", "unknown name: "+key)
	}
	return nil
}

// remove takes the first of name, prefix and regex that is given, and never the name server itself.
func (n *NameServer) remove(name, prefix, regex *string) (int, error) {
	given := func(s *string) bool { return s != nil && *s != "" }
	var match func(string) bool
	switch {
	case given(name):
		match = func(s string) bool { return s == *name }
	case given(prefix):
		match = func(s string) bool { return strings.HasPrefix(s, *prefix) }
	case given(regex):
		var err error
		if match, _, err = nameFilter(0, nil, regex); err != nil {
			return 0, err
		}
	default:
		return 0, nil
	}
	return n.store.Remove(match, ObjectName), nil
}
