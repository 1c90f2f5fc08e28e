package nameserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// DefaultStagger is how long a Locator waits for one location before it asks the next one, too.
const DefaultStagger = time.Second

// A Locator finds the name server of a network. The zero value looks where Pyro's locate_ns does when it is told
// nothing, broadcast aside:
//
//  1. If PYRO_NS_HOST, default localhost, is this machine: there, at PYRO_NS_PORT, default 9090; then at 127.0.1.1, which
//     Debian gives the machine's own name, if that address has a name.
//  2. By broadcast, if Broadcast says so, unless addresses of IPv6 are preferred.
//  3. At PYRO_NS_HOST and PYRO_NS_PORT, wherever that is.
//
// With Locations it looks there and nowhere else.
type Locator struct {
	// Dial says how to connect. Its Timeout limits each location, with all addresses of its host: they are tried one after
	// the other, the next one when one has failed, has not connected in 0.25 s, or has said nothing for the time of Stagger.
	// Where Dial.Dial is set, that chooses among the addresses.
	Dial pyro.DialConfig
	// Locations are where a name server may be, each HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH. The first that answers
	// is taken: the next one is asked when one has failed, or has said nothing for the time of Stagger.
	Locations []string
	// Port is the TCP port in step 1 and the UDP port in step 2; 0 means that of the environment, or Pyro's own.
	Port int
	// Broadcast asks the network, as the function of this name does. It is for looking names up, not for programs that
	// would register theirs with whoever answers.
	Broadcast bool
	// BroadcastPort is the UDP port of broadcasts; 0 means 9091.
	BroadcastPort int
	// BroadcastAddresses are where broadcasts are sent; none, or "<broadcast>" among them, means all networks of this
	// machine.
	BroadcastAddresses []string
	// Stagger is how long one location is waited for alone; 0 means 1 s.
	Stagger time.Duration
}

const maxPort = 65535

// ParseLocation returns the URI of the name server at HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH, or with that URI. A
// missing port is 9090.
func ParseLocation(location string) (pyro.URI, error) {
	if u, err := pyro.ParseURI(location); err == nil && u.Protocol == pyro.ProtocolPyro && u.Object == ObjectName {
		return u, nil
	}
	given := location
	if strings.Count(location, ":") > 1 && !strings.HasPrefix(location, "[") && !strings.HasPrefix(location, "./u:") {
		location = "[" + location + "]" // a bare IPv6 address
	}
	u, err := pyro.ParseURI(pyro.ProtocolPyroName + ":" + ObjectName + "@" + location)
	if err != nil || u.Port > maxPort || u.Socket == "" && strings.Contains(u.Host, "/") {
		return pyro.URI{}, fmt.Errorf("%w: %q is no location of a name server: want HOST, HOST:PORT, [IPV6]:PORT or ./u:PATH",
			pyro.ErrURI, given)
	}
	u.Protocol = pyro.ProtocolPyro
	return u, nil
}

// DefaultLocation is where the name server is looked for when nobody says: PYRO_NS_HOST and
// PYRO_NS_PORT, else localhost:9090.
func DefaultLocation() string { return locationOf(defaultHost(), os.Getenv("PYRO_NS_PORT")) }

func defaultHost() string {
	if host := os.Getenv("PYRO_NS_HOST"); host != "" {
		return host
	}
	return "localhost"
}

func locationOf(host, port string) string {
	if strings.HasPrefix(host, "./u:") {
		return host
	}
	if port == "" {
		port = strconv.Itoa(DefaultPort)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// Locate returns a client of the name server that a Locator with these locations finds. It asks by no
// broadcast.
func Locate(ctx context.Context, cfg pyro.DialConfig, locations ...string) (*Client, error) {
	l := Locator{Dial: cfg, Locations: locations}
	return l.Locate(ctx)
}

// Locate returns a client of the name server, which has answered. The error says what each place answered.
func (l *Locator) Locate(ctx context.Context) (*Client, error) {
	steps := []func(context.Context) (*Client, error){l.thisMachine, l.byBroadcast, l.defaultPlace}
	if len(l.Locations) > 0 {
		steps = []func(context.Context) (*Client, error){l.named}
	}
	var failed error
	for _, step := range steps {
		c, err := step(ctx)
		if c != nil {
			return c, nil
		}
		failed = both(failed, err)
	}
	code := transport.CodeUnavailable
	if errors.Is(ctx.Err(), context.Canceled) { // nobody knows
		code = transport.CodeCanceled
	}
	return nil, transport.Errorf(code, "failed to locate the name server: %w", failed)
}

// both joins errors on one line; either may be nil.
func both(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	default:
		return fmt.Errorf("%w; %w", first, second)
	}
}

func (l *Locator) named(ctx context.Context) (*Client, error) {
	uris := make([]pyro.URI, len(l.Locations))
	for i, location := range l.Locations {
		var err error
		if uris[i], err = ParseLocation(location); err != nil {
			return nil, err
		}
	}
	return l.first(ctx, uris)
}

func (l *Locator) stagger() time.Duration { return cmp.Or(max(0, l.Stagger), DefaultStagger) }

// place returns the index of the location that leads to a URI; 0 if none does.
func (l *Locator) place(found pyro.URI) int {
	return max(0, slices.IndexFunc(l.Locations, func(location string) bool {
		u, err := ParseLocation(location)
		return err == nil && u.String() == found.String()
	}))
}

// debianOwn is what Debian's installer writes into /etc/hosts for the machine's own name.
const debianOwn = "127.0.1.1"

func (l *Locator) thisMachine(ctx context.Context) (*Client, error) {
	host := defaultHost()
	if !isLocal(host) {
		return nil, nil //nolint:nilnil // it is not looked for here
	}
	port := os.Getenv("PYRO_NS_PORT")
	if l.Port != 0 {
		port = strconv.Itoa(l.Port)
	}
	c, failed := l.at(ctx, locationOf(host, port))
	if c != nil || strings.Contains(host, ":") || host == debianOwn || !hasName(ctx, debianOwn) {
		return c, failed
	}
	c, err := l.at(ctx, locationOf(debianOwn, port))
	return c, both(failed, err)
}

// hasName tells whether an address has a name; nobody waits long for that.
func hasName(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, address)
	return err == nil && len(names) > 0
}

func (l *Locator) byBroadcast(ctx context.Context) (*Client, error) {
	if !l.Broadcast || l.Dial.PreferIP == 6 {
		return nil, nil //nolint:nilnil // nobody is asked
	}
	port := l.BroadcastPort
	if l.Port != 0 {
		port = l.Port
	}
	return Broadcast(ctx, l.Dial, port, l.BroadcastAddresses...)
}

func (l *Locator) defaultPlace(ctx context.Context) (*Client, error) {
	if l.Port == 0 && isLocal(defaultHost()) {
		return nil, nil //nolint:nilnil // it was asked in the first step
	}
	return l.at(ctx, DefaultLocation())
}

func isLocal(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func (l *Locator) at(ctx context.Context, location string) (*Client, error) {
	uri, err := ParseLocation(location)
	if err != nil {
		return nil, err
	}
	return l.first(ctx, []pyro.URI{uri})
}

// first returns a client of the first name server that answers.
func (l *Locator) first(ctx context.Context, uris []pyro.URI) (*Client, error) {
	r := race{patience: l.stagger()}
	for _, uri := range uris {
		r.ask = append(r.ask, func(ctx context.Context) (*Client, error) { return l.reach(ctx, uri) })
	}
	return r.run(ctx)
}
