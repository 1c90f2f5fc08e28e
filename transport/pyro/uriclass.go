package pyro

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/fastdict"
)

func init() { //nolint:gochecknoinits // URIs travel as instances of Pyro's own class; see the package comment of transport
	codec.Default.RegisterEncoder(reflect.TypeFor[URI](), encodeURI)
	for _, class := range fastdict.URIClasses {
		codec.Default.RegisterDecoder(class, decodeURI)
	}
}

func encodeURI(v any, d codec.Dialect) (any, error) {
	u, _ := v.(URI)
	if u.Protocol != ProtocolPyroMeta {
		return &fastdict.URI{
			Protocol: u.Protocol, Object: u.Object, Socket: u.Socket, Host: u.Host, Port: u.Port,
		}, nil
	}
	set := codec.NewSet()
	for _, tag := range u.Tags {
		set.Add(tag)
	}
	return stateDict(classOf(fastdict.URIClasses, d), codec.Tuple{u.Protocol, set, orNone(u.Socket), orNone(u.Host), portOrNone(u)}), nil
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func portOrNone(u URI) any {
	if u.Host == "" {
		return nil
	}
	return u.Port
}

func decodeURI(_ string, attrs *codec.Dict) (any, error) {
	state, _ := attrs.Get("state")
	items := items(state)
	if len(items) != 5 {
		return nil, errors.New("state of a URI must have five elements")
	}
	var u URI
	u.Protocol, _ = items[0].(string)
	switch object := items[1].(type) {
	case string:
		u.Object = object
	default:
		for _, tag := range elements(object) {
			if s, ok := tag.(string); ok {
				u.Tags = append(u.Tags, s)
			}
		}
	}
	u.Socket, _ = items[2].(string)
	u.Host, _ = items[3].(string)
	switch port := items[4].(type) {
	case int64:
		u.Port = int(port)
	case string:
		u.Port, _ = strconv.Atoi(port)
	}
	checked, err := ParseURI(u.String()) // whatever the state holds, a URI is one that Parse accepts
	if err != nil {
		return nil, err
	}
	return checked, nil
}

// items returns the elements of a list or tuple.
func items(v any) []any {
	switch x := v.(type) {
	case codec.Tuple:
		return x
	case []any:
		return x
	}
	return nil
}

// elements returns those of a list, tuple or set.
func elements(v any) []any {
	if set, ok := v.(codec.Set); ok {
		var all []any
		for m := range set.All() {
			all = append(all, m)
		}
		return all
	}
	return items(v)
}
