package pickle

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// pyroStates make the class dict that other serializers have for Pyro's own objects, whose pickles hold
// the same in other types. They return nil for what is not as Pyro writes it.
var pyroStates map[string]func(r *reader, x *extra) (*codec.Dict, error)

func init() { //nolint:gochecknoinits // the functions refer to the table: values hold values
	pyroStates = map[string]func(r *reader, x *extra) (*codec.Dict, error){
		"Pyro4.core.URI":      uriState,
		"Pyro5.core.URI":      uriState,
		"Pyro4.core.Proxy":    proxyState,
		"Pyro5.client.Proxy":  plainState,
		"Pyro4.core.Daemon":   noState,
		"Pyro5.server.Daemon": noState,
	}
}

func stateDict(state codec.Tuple) *codec.Dict { return codec.NewDict(keyState, state) }

func noState(*reader, *extra) (*codec.Dict, error) { return stateDict(codec.Tuple{}), nil }

// plainState is for states that are the same everywhere.
func plainState(r *reader, x *extra) (*codec.Dict, error) {
	if x.state.kind != kindTuple {
		return nil, nil //nolint:nilnil // an ordinary instance
	}
	state, err := r.tree(x.state)
	if err != nil {
		return nil, err
	}
	t, _ := state.(codec.Tuple)
	return stateDict(t), nil
}

// uriParts is the length of the state of a URI: protocol, object, socket name, host, port.
const uriParts = 5

func uriState(r *reader, x *extra) (*codec.Dict, error) {
	if args := x.args.values(); x.call && len(args) == 1 && x.state.kind == kindNothing {
		text, _ := r.string(args[0])
		if state, ok := parseURI(text); ok {
			return stateDict(state), nil
		}
	}
	if len(x.state.values()) != uriParts {
		return nil, nil //nolint:nilnil // an ordinary instance
	}
	return plainState(r, x)
}

// Places in the state of a Pyro4 proxy, and the length that it has in old and new versions.
const (
	proxyURI   = 0
	proxyAttrs = 3 // after one-way names and methods
	proxyKey   = 5
	proxyShort = 8
	proxyLong  = 9
)

// proxyState spells the URI as text, the sets of names as tuples, and the HMAC key in base64.
func proxyState(r *reader, x *extra) (*codec.Dict, error) {
	if n := len(x.state.values()); x.state.kind != kindTuple || n != proxyShort && n != proxyLong {
		return nil, nil //nolint:nilnil // an ordinary instance
	}
	keys := r.keys
	r.keys = 0 // the URI is to be a class dict, also in a proxy that is a key
	tree, err := r.tree(x.state)
	r.keys = keys
	if err != nil {
		return nil, err
	}
	state, _ := tree.(codec.Tuple)
	if uri, ok := state[proxyURI].(*codec.Dict); ok {
		parts, _ := uri.Get(keyState)
		if state[proxyURI], ok = uriText(parts); !ok {
			return nil, r.fail("a proxy without a URI")
		}
	}
	for i := proxyURI + 1; i <= proxyAttrs; i++ {
		if s, ok := state[i].(codec.Set); ok {
			names := make(codec.Tuple, 0, s.Len())
			for name := range s.All() {
				names = append(names, name)
			}
			state[i] = names
		}
	}
	switch key := state[proxyKey].(type) {
	case []byte:
		state[proxyKey] = keyPrefix + base64.StdEncoding.EncodeToString(key)
	case string: // of Python 2, or given as text
		if key != "" && !strings.HasPrefix(key, keyPrefix) {
			state[proxyKey] = keyPrefix + base64.StdEncoding.EncodeToString([]byte(key))
		}
	}
	return stateDict(state), nil
}

// keyPrefix begins the text of an HMAC key in base64.
const keyPrefix = "b64:"

var (
	uriForm  = regexp.MustCompile(`^([Pp][Yy][Rr][Oo][a-zA-Z]*):(\S+?)(?:@(.+))?$`)
	hostForm = regexp.MustCompile(`^(?:\[([0-9a-fA-F:%]+)\]|([^:\[]*))(?::([0-9]{1,5}))?$`)
)

// parseURI returns the state of the URI that text spells, as Pyro4.core.URI reads it.
func parseURI(text string) (state codec.Tuple, ok bool) {
	m := uriForm.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	state = codec.Tuple{strings.ToUpper(m[1]), m[2], nil, nil, nil}
	usualPort := any(int64(9090)) // of name servers
	switch state[0] {
	case "PYRO":
		usualPort = nil
	case "PYROMETA":
		tags := codec.Set{}
		for tag := range strings.SplitSeq(m[2], ",") {
			tags.Add(strings.TrimSpace(tag))
		}
		state[1] = tags
	case "PYRONAME":
	default:
		return nil, false
	}
	if socket, ok := strings.CutPrefix(m[3], "./u:"); ok {
		state[2] = socket
		return state, socket != ""
	}
	if m[3] == "" {
		return state, usualPort != nil
	}
	at := hostForm.FindStringSubmatch(m[3])
	if at == nil {
		return nil, false
	}
	state[3], state[4] = at[1]+at[2], usualPort
	if at[3] != "" {
		port, _ := strconv.Atoi(at[3]) // of five digits
		state[4] = int64(port)
	}
	return state, state[4] != nil
}

// uriText spells the state of a URI as Pyro does.
func uriText(state any) (string, bool) {
	parts, ok := state.(codec.Tuple)
	if !ok || len(parts) != uriParts {
		return "", false
	}
	protocol, _ := parts[0].(string)
	var object string
	switch x := parts[1].(type) {
	case string:
		object = x
	case codec.Set: // the tags of PYROMETA
		var tags []string
		for tag := range x.All() {
			if s, ok := tag.(string); ok {
				tags = append(tags, s)
			}
		}
		object = strings.Join(tags, ",")
	}
	text := protocol + ":" + object
	if socket, _ := parts[2].(string); socket != "" {
		return text + "@./u:" + socket, true
	}
	host, _ := parts[3].(string)
	if host == "" {
		return text, true
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port, _ := parts[4].(int64)
	return text + "@" + host + ":" + strconv.FormatInt(port, 10), true
}
