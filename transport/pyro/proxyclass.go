package pyro

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// A ProxyState is a proxy as it travels: what the receiver needs to call the object. It is written as the
// proxy class of the connection's dialect, and read from that of either. With package service in the
// program proxies are read as *service.Proxy, whose State method returns one.
//
// It prints as its URI alone, because the key and the handshake are secrets.
type ProxyState struct {
	URI URI
	// Methods, Oneway and Attrs are what the object exposes, as far as the sender knew: who connects is told
	// anew.
	Methods, Oneway, Attrs []string
	// Handshake is the value to say when connecting; nil is written as the text "hello".
	Handshake any
	// Serializer names the one to use; empty leaves it to the receiver.
	Serializer string

	// HMACKey signs messages. Only Pyro4 has it. The key itself is in the message: whoever reads that can
	// sign.
	HMACKey Secret
	// Timeout and MaxRetries are Pyro4's, whose readers ignore them.
	Timeout    time.Duration
	MaxRetries int
}

// Format writes the URI, whatever the verb.
func (s ProxyState) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "proxy of "+s.URI.String()) }

// LogValue returns the URI.
func (s ProxyState) LogValue() slog.Value { return slog.StringValue(s.URI.String()) }

// A Secret is bytes that are written neither to logs nor by fmt.
type Secret []byte

const redacted = "[secret]"

// Format writes that there is a secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue says that there is a secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText says that there is a secret, to whatever writes text, JSON or YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// A Daemon is all that arrives of a daemon which somebody sends: that it was one.
type Daemon struct{}

// Names of the classes, in Pyro4 and Pyro5.
var (
	proxyClasses  = [...]string{"Pyro4.core.Proxy", "Pyro5.client.Proxy"}
	daemonClasses = [...]string{"Pyro4.core.Daemon", "Pyro5.server.Daemon"}
)

func init() { //nolint:gochecknoinits // the classes of Pyro itself, as in uriclass.go
	codec.Default.RegisterEncoder(reflect.TypeFor[ProxyState](), encodeProxy)
	codec.Default.RegisterEncoder(reflect.TypeFor[Daemon](), encodeDaemon)
	for _, class := range proxyClasses {
		codec.Default.RegisterDecoder(class, func(class string, attrs *codec.Dict) (any, error) { return ReadProxyState(class, attrs) })
	}
	for _, class := range daemonClasses {
		codec.Default.RegisterDecoder(class, func(string, *codec.Dict) (any, error) { return Daemon{}, nil })
	}
}

// ProxyClasses returns the names of the classes whose instances ReadProxyState reads.
func ProxyClasses() []string { return proxyClasses[:] }

// classOf chooses the name that dialect d has for a class.
func classOf(names [2]string, d codec.Dialect) string {
	if d == codec.Pyro4 {
		return names[0]
	}
	return names[1]
}

func stateDict(class string, state codec.Tuple) *codec.Dict {
	return codec.NewDict(codec.ClassKey, class, "state", state)
}

func encodeDaemon(_ any, d codec.Dialect) (any, error) {
	return stateDict(classOf(daemonClasses, d), codec.Tuple{}), nil
}

func encodeProxy(v any, d codec.Dialect) (any, error) {
	s, _ := v.(ProxyState)
	if _, err := ParseURI(s.URI.String()); err != nil { // its reader would fail, and lose its connection
		return nil, fmt.Errorf("a proxy for an object that nobody finds: %w", err)
	}
	state := codec.Tuple{s.URI.String(), names(s.Oneway), names(s.Methods), names(s.Attrs)}
	handshake := s.Handshake
	if handshake == nil {
		handshake = "hello"
	}
	var serializer any
	if codec.ID(s.Serializer, d) != 0 { // one that the dialect does not know would break the proxy
		serializer = s.Serializer
	}
	if d == codec.Pyro4 {
		state = append(state, s.Timeout.Seconds(), keyText(s.HMACKey), handshake, s.MaxRetries, serializer)
	} else {
		state = append(state, handshake, serializer)
	}
	return stateDict(classOf(proxyClasses, d), state), nil
}

func names(list []string) codec.Tuple {
	t := make(codec.Tuple, len(list))
	for i, name := range list {
		t[i] = name
	}
	return t
}

const keyPrefix = "b64:"

func keyText(key Secret) any {
	if len(key) == 0 {
		return nil
	}
	return keyPrefix + base64.StdEncoding.EncodeToString(key)
}

// ReadProxyState reads the attributes of an instance of Pyro's proxy class: its state of six elements in
// Pyro5 (from Pyrolite seven), of nine (in old versions eight) in Pyro4.
func ReadProxyState(class string, attrs *codec.Dict) (ProxyState, error) {
	state, _ := attrs.Get("state")
	r := proxyReader{items: items(state)}
	n := len(r.items)
	four := class == proxyClasses[0]
	if four && n != 8 && n != 9 || !four && n != 6 && n != 7 {
		return ProxyState{}, fmt.Errorf("the state of a %s has %d elements", class, n)
	}
	s := ProxyState{URI: r.uri(), Oneway: r.names(1), Methods: r.names(2), Attrs: r.names(3)}
	switch n {
	case 6:
		s.Handshake, s.Serializer = r.items[4], r.text(5)
	case 7: // Pyrolite's is Pyro4's without key and serializer
		s.Timeout, s.Handshake, s.MaxRetries = r.seconds(4), r.items[5], r.number(6)
	default:
		s.Timeout, s.HMACKey, s.Handshake, s.MaxRetries = r.seconds(4), r.key(5), r.items[6], r.number(7)
	}
	if n == 9 {
		s.Serializer = r.text(8)
	}
	return s, errors.Join(r.errs...)
}

// A proxyReader reads elements of a proxy's state and gathers what is wrong with them.
type proxyReader struct {
	items []any
	errs  []error
}

func (r *proxyReader) fail(i int, want string) {
	r.errs = append(r.errs, fmt.Errorf("state[%d] must be %s, not %T", i, want, r.items[i]))
}

// uri reads the first element: text, and in pickles a URI.
func (r *proxyReader) uri() URI {
	v := r.items[0]
	if dict, ok := v.(*codec.Dict); ok {
		converted, err := codec.ConvertDict(dict, nil)
		if err != nil {
			r.errs = append(r.errs, err)
			return URI{}
		}
		v = converted
	}
	switch x := v.(type) {
	case URI:
		return x
	case string:
		u, err := ParseURI(x)
		if err != nil {
			r.errs = append(r.errs, err)
		}
		return u
	}
	r.fail(0, "a URI")
	return URI{}
}

// names reads a tuple, list or set of texts.
func (r *proxyReader) names(i int) []string {
	var list []string
	for _, v := range elements(r.items[i]) {
		name, ok := v.(string)
		if !ok {
			r.fail(i, "names")
			return nil
		}
		list = append(list, name)
	}
	return list
}

func (r *proxyReader) text(i int) string {
	s, ok := r.items[i].(string)
	if !ok && r.items[i] != nil {
		r.fail(i, "text or None")
	}
	return s
}

// key reads the key: text in base64, and in pickles the bytes themselves.
func (r *proxyReader) key(i int) Secret {
	switch x := r.items[i].(type) {
	case nil:
		return nil
	case []byte:
		return x
	case string:
		encoded, ok := strings.CutPrefix(x, keyPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if x == "" || ok && err == nil {
			return key
		}
	}
	r.errs = append(r.errs, fmt.Errorf("state[%d] is no HMAC key", i)) // without the key itself
	return nil
}

func (r *proxyReader) seconds(i int) time.Duration {
	switch x := r.items[i].(type) {
	case float64:
		if x > 0 && x < 1e9 {
			return time.Duration(x * float64(time.Second))
		}
	case int64:
		if x > 0 && x < 1e9 {
			return time.Duration(x) * time.Second
		}
	}
	return 0
}

func (r *proxyReader) number(i int) int {
	n, _ := r.items[i].(int64)
	return int(n)
}
