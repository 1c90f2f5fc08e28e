package nameserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	// ObjectName is the id, and the name, of the name server itself.
	ObjectName = "Pyro.NameServer"
	// DefaultPort is the TCP port of a name server.
	DefaultPort = pyro.DefaultNSPort
)

// A Client speaks to one name server. Its methods may be called concurrently; they connect when that is
// needed. Errors are *transport.Error: an unknown name matches transport.ErrNotFound.
type Client struct {
	client *pyro.Client
	uri    pyro.URI
}

// New returns a client of the name server at uri, which is usually "PYRO:Pyro.NameServer@host:port".
// It does not connect yet.
func New(uri pyro.URI, cfg pyro.DialConfig) *Client {
	resolve := func(context.Context) (pyro.URI, error) { return uri, nil }
	return &Client{client: pyro.NewClient(resolve, cfg, true), uri: uri}
}

// ParseLocation returns the URI of the name server at HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH. A
// missing port is 9090.
func ParseLocation(location string) (pyro.URI, error) {
	if strings.Count(location, ":") > 1 && !strings.HasPrefix(location, "[") && !strings.HasPrefix(location, "./u:") {
		location = "[" + location + "]" // a bare IPv6 address
	}
	u, err := pyro.ParseURI(pyro.ProtocolPyroName + ":" + ObjectName + "@" + location)
	if err != nil {
		return pyro.URI{}, fmt.Errorf("location of the name server: %w", err)
	}
	u.Protocol = pyro.ProtocolPyro
	return u, nil
}

// DefaultLocation is where the name server is looked for when nobody says: PYRO_NS_HOST and
// PYRO_NS_PORT, else localhost:9090.
func DefaultLocation() string {
	host, port := os.Getenv("PYRO_NS_HOST"), os.Getenv("PYRO_NS_PORT")
	if host == "" {
		host = "localhost"
	}
	if strings.HasPrefix(host, "./u:") {
		return host
	}
	if port == "" {
		port = strconv.Itoa(DefaultPort)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// Locate returns a client of the first of locations that answers; none given means DefaultLocation.
// It asks by no broadcast.
func Locate(ctx context.Context, cfg pyro.DialConfig, locations ...string) (*Client, error) {
	if len(locations) == 0 {
		locations = []string{DefaultLocation()}
	}
	var failed []error
	for _, location := range locations {
		uri, err := ParseLocation(location)
		if err != nil {
			return nil, err
		}
		c := New(uri, cfg)
		if err = c.Ping(ctx); err == nil {
			return c, nil
		}
		failed = append(failed, err)
		_ = c.Close()
	}
	return nil, transport.Errorf(transport.CodeUnavailable, "failed to locate the name server: %w", errors.Join(failed...))
}

// URI returns where the name server is.
func (c *Client) URI() pyro.URI { return c.uri }

// Close ends the connection.
func (c *Client) Close() error { return c.client.Close() }

func (c *Client) call(ctx context.Context, dst any, method string, kwargs codec.Kwargs, args ...any) error {
	call := &transport.Call{Object: ObjectName, Method: method}
	call.Args.Positional, call.Args.Keywords = args, kwargs
	call.Header.CorrelationID = transport.CorrelationID(ctx)
	reply, err := c.client.Call(ctx, call)
	if err != nil {
		return err
	}
	defer reply.Release()
	if dst == nil {
		return nil
	}
	if err := reply.Value.Decode(dst); err != nil {
		return fmt.Errorf("answer of the name server to %s: %w", method, err)
	}
	return nil
}

// Ping asks whether the name server is there.
func (c *Client) Ping(ctx context.Context) error { return c.call(ctx, nil, "ping", nil) }

// Count returns the number of entries, the name server's own included.
func (c *Client) Count(ctx context.Context) (int, error) {
	var n int
	err := c.call(ctx, &n, "count", nil)
	return n, err
}

// Lookup returns the entry with this name, its metadata included.
func (c *Client) Lookup(ctx context.Context, name string) (discovery.Entry, error) {
	var answer any
	if err := c.call(ctx, &answer, "lookup", codec.Kwargs{"return_metadata": true}, name); err != nil {
		return discovery.Entry{}, err
	}
	pair := elements(answer)
	if len(pair) != 2 {
		return discovery.Entry{}, fmt.Errorf("answer of the name server to lookup: want a URI and metadata, got %T", answer)
	}
	uri, err := asURI(pair[0])
	return discovery.Entry{Name: name, URI: uri, Metadata: asTags(pair[1])}, err
}

// Resolve is Lookup, for discovery.Resolver.
func (c *Client) Resolve(ctx context.Context, name string) (discovery.Entry, error) {
	return c.Lookup(ctx, name)
}

// Register makes name known for uri, with metadata. safe refuses to replace an entry that is there
// already, with an error that matches transport.ErrAlreadyExists.
func (c *Client) Register(ctx context.Context, name string, uri pyro.URI, safe bool, metadata ...string) error {
	kwargs := codec.Kwargs{"safe": safe}
	if len(metadata) > 0 {
		kwargs["metadata"] = metadata // a list: serpent could not tell an empty set from a tuple
	}
	return c.call(ctx, nil, "register", kwargs, name, uri.String())
}

// SetMetadata replaces the metadata of name.
func (c *Client) SetMetadata(ctx context.Context, name string, metadata ...string) error {
	if metadata == nil {
		metadata = []string{}
	}
	return c.call(ctx, nil, "set_metadata", nil, name, metadata)
}

// A Filter chooses entries: those whose name begins with Prefix, or those whose name Regex matches from
// its start. At most one may be set; none chooses all.
type Filter struct {
	Prefix, Regex string
}

func (f Filter) kwargs() codec.Kwargs {
	k := codec.Kwargs{}
	if f.Prefix != "" {
		k["prefix"] = f.Prefix
	}
	if f.Regex != "" {
		k["regex"] = f.Regex
	}
	return k
}

// List returns the entries that f chooses, metadata included, in the order of their names.
func (c *Client) List(ctx context.Context, f Filter) ([]discovery.Entry, error) {
	kwargs := f.kwargs()
	kwargs["return_metadata"] = true
	var answer map[string]any
	if err := c.call(ctx, &answer, "list", kwargs); err != nil {
		return nil, err
	}
	entries, err := entriesOf(answer)
	if err != nil {
		return nil, fmt.Errorf("answer of the name server to list: %w", err)
	}
	return entries, nil
}

// Remove removes the entry with this name and tells whether there was one.
func (c *Client) Remove(ctx context.Context, name string) (bool, error) {
	var n int
	err := c.call(ctx, &n, "remove", nil, name)
	return n > 0, err
}

// RemoveMatching removes the entries that f chooses, never the name server's own, and returns how many
// there were.
func (c *Client) RemoveMatching(ctx context.Context, f Filter) (int, error) {
	if f == (Filter{}) {
		return 0, transport.Errorf(transport.CodeInvalidArgument, "nothing says what to remove")
	}
	var n int
	err := c.call(ctx, &n, "remove", f.kwargs())
	return n, err
}

// elements returns those of a list, tuple or set.
func elements(v any) []any {
	switch x := v.(type) {
	case codec.Tuple:
		return x
	case []any:
		return x
	case codec.Set:
		return slices.Collect(x.All())
	}
	return nil
}

func asURI(v any) (pyro.URI, error) {
	switch x := v.(type) {
	case pyro.URI:
		return x, nil
	case string:
		return pyro.ParseURI(x)
	default:
		return pyro.URI{}, fmt.Errorf("want a URI, got %T", v)
	}
}

func asTags(v any) []string {
	var tags []string
	for _, item := range elements(v) {
		if s, ok := item.(string); ok {
			tags = append(tags, s)
		}
	}
	slices.Sort(tags)
	return tags
}

// A registrar registers with a name server that is found anew for each entry.
type registrar struct {
	cfg       pyro.DialConfig
	locations []string
	found     atomic.Pointer[pyro.URI]
}

// Location returns the name server that was found last, or a URI without a location.
func (r *registrar) Location() pyro.URI {
	if u := r.found.Load(); u != nil {
		return *u
	}
	return pyro.URI{}
}

// locate finds the name server.
func (r *registrar) locate(ctx context.Context) (*Client, error) {
	c, err := Locate(ctx, r.cfg, r.locations...)
	if err != nil {
		return nil, err
	}
	at := c.URI()
	r.found.Store(&at)
	return c, nil
}

// Registrar returns a discovery.Registrar that registers with the name server at the first of
// locations that answers; none given means DefaultLocation. It never finds one by broadcast, where a
// stray name server could collect the names.
func Registrar(cfg pyro.DialConfig, locations ...string) discovery.Registrar {
	return &registrar{cfg: cfg, locations: locations}
}

// Register leaves an entry alone that is there with this URI already.
func (r *registrar) Register(ctx context.Context, e discovery.Entry) error {
	c, err := r.locate(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if known, err := c.Lookup(ctx, e.Name); err == nil && known.URI.String() == e.URI.String() {
		return nil
	}
	return c.Register(ctx, e.Name, e.URI, false, e.Metadata...)
}

// Unregister removes the entry unless it carries another URI by now.
func (r *registrar) Unregister(ctx context.Context, e discovery.Entry) error {
	c, err := r.locate(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	known, err := c.Lookup(ctx, e.Name)
	switch {
	case errors.Is(err, transport.ErrNotFound), err == nil && known.URI.String() != e.URI.String():
		return nil
	case err != nil:
		return err
	}
	_, err = c.Remove(ctx, e.Name)
	return err
}
