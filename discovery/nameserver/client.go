package nameserver

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	// PollInterval is how often Watch asks a name server that cannot tell of changes by itself; 0 means 5 s.
	// It is to be set before Watch is called.
	PollInterval time.Duration
	// Unreadable is told of each entry that Find, and List, leave out because its URI cannot be read. Where it is nil, Find
	// leaves them out all the same, and List fails. It is to be set before they are called.
	Unreadable func(error)

	client *pyro.Client
	uri    pyro.URI
	cfg    pyro.DialConfig
}

// New returns a client of the name server at uri, which is usually "PYRO:Pyro.NameServer@host:port".
// It does not connect yet.
func New(uri pyro.URI, cfg pyro.DialConfig) *Client {
	resolve := func(context.Context) (pyro.URI, error) { return uri, nil }
	return &Client{client: pyro.NewClient(resolve, cfg, false), uri: uri, cfg: cfg}
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
	e, err := asEntry(name, answer)
	if err != nil {
		return e, fmt.Errorf("answer of the name server to lookup: %w", err)
	}
	return e, nil
}

// Resolve is Lookup, for discovery.Resolver.
func (c *Client) Resolve(ctx context.Context, name string) (discovery.Entry, error) {
	return c.Lookup(ctx, name)
}

// Register makes name known for uri, with metadata. safe refuses to replace an entry that is there
// already, with an error that matches transport.ErrAlreadyExists.
func (c *Client) Register(ctx context.Context, name string, uri pyro.URI, safe bool, metadata ...string) error {
	return c.call(ctx, nil, "register", registerKwargs(safe, metadata), name, uri.String())
}

func registerKwargs(safe bool, metadata []string) codec.Kwargs {
	kwargs := codec.Kwargs{"safe": safe}
	if len(metadata) > 0 {
		kwargs["metadata"] = metadata // a list: serpent could not tell an empty set from a tuple
	}
	return kwargs
}

// Lease makes name known for uri, with metadata, for d, or for as long as the name server grants, which it
// returns. The same again renews the lease; Register makes the name last. safe refuses to replace an entry with another
// URI. A name server of Python has no leases: the error matches transport.ErrUnimplemented.
func (c *Client) Lease(
	ctx context.Context, name string, uri pyro.URI, d time.Duration, safe bool, metadata ...string,
) (granted time.Duration, err error) {
	var seconds float64
	err = c.call(ctx, &seconds, "lease", registerKwargs(safe, metadata), name, uri.String(), d.Seconds())
	if lacksMethod(err) {
		return 0, errNoLeases(err)
	}
	return time.Duration(seconds * float64(time.Second)), err
}

// HasLeases tells whether the name server has leases, as those of pyrokit have. It is false, too, when it does not answer.
func (c *Client) HasLeases(ctx context.Context) bool { return c.has(ctx, "leases") }

// Leases returns the names that are leased, with the time that each was leased for. A name server of Python has no leases:
// the error matches transport.ErrUnimplemented.
func (c *Client) Leases(ctx context.Context) (map[string]time.Duration, error) {
	var answer map[string]float64
	err := c.call(ctx, &answer, "leases", nil)
	if lacksMethod(err) {
		return nil, errNoLeases(err)
	}
	if err != nil {
		return nil, err
	}
	leases := make(map[string]time.Duration, len(answer))
	for name, seconds := range answer {
		leases[name] = time.Duration(seconds * float64(time.Second))
	}
	return leases, nil
}

// Complete returns what a shell offers of the names that begin with prefix: the names if they are at most 200, which whole tells,
// else their parts up to the next dot, or beginnings of them. A name server of Python cannot do that: the error matches
// transport.ErrUnimplemented.
func (c *Client) Complete(ctx context.Context, prefix string) (offered []string, whole bool, err error) {
	var answer struct {
		_       struct{} `pyro:",tuple"`
		Offered []string
		Whole   bool
	}
	err = c.call(ctx, &answer, "complete", nil, prefix)
	if lacksMethod(err) {
		err = transport.Errorf(transport.CodeUnimplemented, "the name server does not complete names: %w", err)
	}
	return answer.Offered, answer.Whole, err
}

func errNoLeases(cause error) error {
	return transport.Errorf(transport.CodeUnimplemented, "the name server has no leases: %w", cause)
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

// List returns the entries that f chooses, metadata included, in the order of their names. An entry whose URI cannot be read,
// which Find leaves out, is an error here, unless Unreadable is set: List is for those who want to have all.
func (c *Client) List(ctx context.Context, f Filter) ([]discovery.Entry, error) {
	entries, bad, err := c.list(ctx, "list", f.kwargs())
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 && c.Unreadable == nil {
		return nil, bad[0].err
	}
	c.tell(discovery.Query{}, bad)
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
