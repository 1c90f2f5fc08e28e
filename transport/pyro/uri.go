package pyro

import (
	"errors"
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"
)

// DefaultNSPort is the port of a name server whose URI names none.
const DefaultNSPort = 9090

// Protocols of a URI.
const (
	ProtocolPyro     = "PYRO"     // an object at a known location
	ProtocolPyroName = "PYRONAME" // an object known to a name server by name
	ProtocolPyroMeta = "PYROMETA" // an object known to a name server by metadata
)

// A URI says where an object is: "PYRO:object@host:port", "PYRO:object@./u:/path/of/socket",
// "PYRONAME:name[@host[:port]]" or "PYROMETA:tag,tag[@host[:port]]". Source: Pyro5 manual, clients,
// "Object identification: URIs".
type URI struct {
	Protocol string
	Object   string   // id or name; empty for PYROMETA
	Tags     []string // of PYROMETA, sorted
	Host     string   // without brackets; empty if the URI has no location or a unix socket
	Port     int
	Socket   string // path of a unix socket
}

// ErrURI is wrapped by every error of ParseURI.
var ErrURI = errors.New("invalid uri")

// ParseURI reads a URI as Pyro does: the scheme in any case, everything to the first '@' is the
// object, a port is needed for PYRO and defaults to 9090 for the others.
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		return URI{}, fmt.Errorf("%w %q: %w", ErrURI, s, err)
	}
	return u, nil
}

func parseURI(s string) (URI, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSuffix(s, "\n"), ":")
	if !ok {
		return URI{}, errors.New("no scheme, want PYRO:object@host:port")
	}
	u := URI{Protocol: strings.ToUpper(scheme)}
	switch u.Protocol {
	case ProtocolPyro, ProtocolPyroName, ProtocolPyroMeta:
	default:
		return URI{}, fmt.Errorf("unknown protocol %q", scheme)
	}
	object, location, located := strings.Cut(rest, "@")
	if object == "" || strings.ContainsAny(object, " \t\n\r\f\v") {
		return URI{}, errors.New("the object is empty or holds white space")
	}
	if u.Protocol == ProtocolPyroMeta {
		u.Tags = splitTags(object)
	} else {
		u.Object = object
	}
	if !located {
		if u.Protocol == ProtocolPyro {
			return URI{}, errors.New("no location, want @host:port")
		}
		return u, nil
	}
	if u.Protocol != ProtocolPyro {
		u.Port = DefaultNSPort
	}
	return u, u.parseLocation(location)
}

func splitTags(s string) []string {
	seen := map[string]bool{}
	var tags []string
	for tag := range strings.SplitSeq(s, ",") {
		tag = strings.TrimSpace(tag)
		if tag != "" && !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	sort.Strings(tags)
	return tags
}

func (u *URI) parseLocation(location string) error {
	if path, ok := strings.CutPrefix(location, "./u:"); ok {
		if path == "" || strings.Contains(path, ":") {
			return errors.New("bad name of a unix socket")
		}
		u.Socket, u.Port = path, 0
		return nil
	}
	host, port, hasPort, err := splitHostPort(location)
	if err != nil {
		return err
	}
	u.Host = host
	if !hasPort {
		if u.Protocol == ProtocolPyro {
			return errors.New("no port")
		}
		return nil
	}
	u.Port, err = strconv.Atoi(strings.TrimSpace(port))
	if err != nil {
		return fmt.Errorf("invalid port %q", port)
	}
	return nil
}

func splitHostPort(location string) (host, port string, hasPort bool, err error) {
	if !strings.HasPrefix(location, "[") {
		host, port, hasPort = strings.Cut(location, ":")
		if host == "" {
			return "", "", false, errors.New("no host")
		}
		return host, port, hasPort, nil
	}
	if strings.HasPrefix(location, "[[") {
		return "", "", false, errors.New("invalid ipv6 address: enclosed in too many brackets")
	}
	host, rest, ok := strings.Cut(location[1:], "]")
	if !ok || host == "" || strings.Trim(strings.SplitN(host, "%", 2)[0], "0123456789abcdefABCDEF:.") != "" {
		return "", "", false, errors.New("invalid ipv6 address: want a numeric address between the brackets")
	}
	port, hasPort = strings.CutPrefix(rest, ":")
	return host, port, hasPort, nil
}

// String returns the URI as Pyro prints it.
func (u URI) String() string {
	object := u.Object
	if u.Protocol == ProtocolPyroMeta {
		object = strings.Join(u.Tags, ",")
	}
	s := u.Protocol + ":" + object
	if location := u.Location(); location != "" {
		s += "@" + location
	}
	return s
}

// Location returns the part after '@', or "" if there is none.
func (u URI) Location() string {
	switch {
	case u.Socket != "":
		return "./u:" + u.Socket
	case u.Host != "":
		return net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
	default:
		return ""
	}
}

// Address returns network and address for net.Dial.
func (u URI) Address() (network, address string) {
	if u.Socket != "" {
		return "unix", u.Socket
	}
	return "tcp", net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
}

// Located returns the PYRO URI of object at an address as net.Addr gives it.
func Located(object string, addr net.Addr) (URI, error) {
	u := URI{Protocol: ProtocolPyro, Object: object}
	if addr.Network() == "unix" {
		u.Socket = addr.String()
		return u, nil
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return URI{}, fmt.Errorf("address %s: %w", addr, err)
	}
	u.Host = host
	u.Port, err = strconv.Atoi(port)
	return u, err
}
