package pyro

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"
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
//
// A socket whose name begins with NUL is an abstract one, of Linux: not a file. Pyro prints that byte as it is, which no
// command line can hold, so the four characters \x00 are read as the same where a name begins with them: a file of such
// a name is "./u:./\x00name". A name that begins with '@' is a file to Pyro.
type URI struct {
	Protocol string
	Object   string   // id or name; empty for PYROMETA
	Tags     []string // of PYROMETA, sorted
	Host     string   // without brackets; empty if the URI has no location or a unix socket
	Port     int
	Socket   string // path of a unix socket; with a leading NUL the name of an abstract one (Linux)
}

// ErrURI is wrapped by every error of ParseURI.
var ErrURI = errors.New("invalid uri")

// A URIError says what is wrong with a URI.
type URIError struct {
	URI    string
	Reason string // as Pyro words it, as in "invalid uri (protocol)"
	Hint   string // what would be right
}

func (e *URIError) Error() string { return fmt.Sprintf("%v %q: %s", ErrURI, e.URI, e.Hint) }

// Unwrap returns ErrURI.
func (e *URIError) Unwrap() error { return ErrURI }

// Reasons that Pyro words without an argument.
const (
	reasonURI      = "invalid uri"
	reasonProtocol = "invalid uri (protocol)"
	reasonLocation = "invalid uri (location)"
	reasonBrackets = "invalid ipv6 address: enclosed in too many brackets"
	reasonNumeric  = "invalid ipv6 address: the part between brackets must be a numeric ipv6 address"
	reasonNoPort   = "invalid port in uri, port=None"
)

// ParseURI reads a URI as Pyro does: the scheme in any case, everything to the first '@' is the
// object, a port is needed for PYRO and defaults to 9090 for the others. Beyond Pyro, an IPv6 address
// may have a zone by name or an IPv4 tail; a location without a host and a PYROMETA without tags, which
// nobody could use, are errors. An error is a [*URIError].
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		err.URI = s
		return URI{}, err
	}
	return u, nil
}

func parseURI(s string) (URI, *URIError) {
	scheme, rest, ok := strings.Cut(strings.TrimSuffix(s, "\n"), ":")
	if !ok {
		return URI{}, &URIError{Reason: reasonURI, Hint: "no scheme, want PYRO:object@host:port"}
	}
	u := URI{Protocol: strings.ToUpper(scheme)}
	switch u.Protocol {
	case ProtocolPyro, ProtocolPyroName, ProtocolPyroMeta:
	default:
		reason := reasonURI
		if strings.HasPrefix(u.Protocol, ProtocolPyro) {
			reason = reasonProtocol
		}
		hint := fmt.Sprintf("unknown protocol %q, want PYRO:object@host:port, PYRONAME:name or PYROMETA:tags", scheme)
		return URI{}, &URIError{Reason: reason, Hint: hint}
	}
	object, location, located := strings.Cut(rest, "@")
	if object == "" || strings.ContainsFunc(object, isSpace) {
		return URI{}, &URIError{Reason: reasonURI, Hint: "the object is empty or holds white space"}
	}
	if u.Protocol == ProtocolPyroMeta {
		if u.Tags = splitTags(object); len(u.Tags) == 0 {
			return URI{}, &URIError{Reason: reasonURI, Hint: "no tags"}
		}
	} else {
		u.Object = object
	}
	if !located {
		if u.Protocol == ProtocolPyro {
			return URI{}, &URIError{Reason: reasonURI, Hint: "no location, want @host:port"}
		}
		return u, nil
	}
	if u.Protocol != ProtocolPyro {
		u.Port = DefaultNSPort
	}
	if err := u.parseLocation(location); err != nil {
		return URI{}, err
	}
	return u, nil
}

// isSpace is Python's white space: Unicode's and the four separators of ASCII.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// splitTags keeps an empty tag beside others, as Python does: few entries have it, and a URI that a script made with an empty
// variable chooses none, rather than more than was meant. It returns none where all are empty.
func splitTags(s string) []string {
	tags := strings.Split(s, ",")
	for i, tag := range tags {
		tags[i] = strings.TrimSpace(tag)
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) == 1 && tags[0] == "" {
		return nil
	}
	return tags
}

func (u *URI) parseLocation(location string) *URIError {
	if strings.Contains(location, "\n") {
		return &URIError{Reason: reasonURI, Hint: "the location holds a line break"}
	}
	if path, ok := strings.CutPrefix(location, "./u:"); ok {
		if path == "" || strings.Contains(path, ":") {
			return &URIError{Reason: reasonLocation, Hint: "bad name of a unix socket"}
		}
		if name, abstract := strings.CutPrefix(path, typedNUL); abstract {
			path = "\x00" + name
		}
		u.Socket, u.Port = path, 0
		return nil
	}
	host, port, err := splitHostPort(location)
	if err != nil {
		return err
	}
	u.Host = host
	if port == "" {
		if u.Protocol == ProtocolPyro {
			return &URIError{Reason: reasonNoPort, Hint: "no port"}
		}
		return nil
	}
	n, convErr := strconv.Atoi(strings.TrimSpace(port))
	if convErr != nil {
		return &URIError{Reason: "invalid port in uri, port=" + port, Hint: fmt.Sprintf("invalid port %q", port)}
	}
	u.Port = n
	return nil
}

func splitHostPort(location string) (host, port string, err *URIError) {
	if !strings.HasPrefix(location, "[") {
		host, port, _ = strings.Cut(location, ":")
		if host == "" {
			return "", "", &URIError{Reason: reasonURI, Hint: "no host"}
		}
		return host, port, nil
	}
	if strings.HasPrefix(location, "[[") {
		return "", "", &URIError{Reason: reasonBrackets, Hint: "the IPv6 address is enclosed in too many brackets"}
	}
	host, rest, ok := strings.Cut(location[1:], "]")
	address, _, _ := strings.Cut(host, "%")
	if !ok || address == "" || strings.Trim(address, "0123456789abcdefABCDEF:.") != "" {
		return "", "", &URIError{Reason: reasonNumeric, Hint: "want a numeric IPv6 address between the brackets"}
	}
	port, ok = strings.CutPrefix(rest, ":")
	if !ok {
		port = "" // what follows the bracket is ignored
	}
	return host, port, nil
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
	case strings.Contains(u.Host, ":"):
		return "[" + u.Host + "]:" + strconv.Itoa(u.Port)
	case u.Host != "":
		return u.Host + ":" + strconv.Itoa(u.Port)
	default:
		return ""
	}
}

// typedNUL is how people type the byte that the name of an abstract socket begins with.
const typedNUL = `\x00`

// Printable returns a URI, or a text with URIs in it, as it can be shown and typed again: NUL as \x00.
func Printable(s string) string { return strings.ReplaceAll(s, "\x00", typedNUL) }

// SocketName returns the name of a unix socket for net.Listen: an abstract one, which begins with NUL or the four
// characters \x00 as in a [URI], begins with '@' there.
func SocketName(path string) string {
	for _, nul := range []string{"\x00", typedNUL} {
		if name, abstract := strings.CutPrefix(path, nul); abstract {
			return "@" + name
		}
	}
	return path
}

// Address returns network and address for net.Dial.
func (u URI) Address() (network, address string) {
	if strings.HasPrefix(u.Socket, "@") {
		return "unix", "./" + u.Socket // a file to Pyro; an abstract name to Go
	}
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
		if name, abstract := strings.CutPrefix(u.Socket, "@"); abstract && runtime.GOOS == "linux" {
			u.Socket = "\x00" + name // so do Python's URIs spell it
		}
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
