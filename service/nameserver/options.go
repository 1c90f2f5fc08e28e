package nameserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
)

// An Option sets up a NameServer.
type Option interface{ apply(*config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

type config struct {
	store     storage.Storage
	log       *slog.Logger
	server    []service.ServerOption
	address   string // that it listens on, for which Broadcast is; empty: none, or a unix socket
	listens   bool
	natHost   string
	natPort   int
	broadcast *string
	autoclean time.Duration
}

// Storage keeps the names in s, which stays open when the name server ends. The default is a [storage.Memory].
func Storage(s storage.Storage) Option {
	return option(func(c *config) error { c.store = s; return nil })
}

// Logger gets what changes (register, remove, names that ended or were cleaned away, at level Info), lookups (Debug)
// and what no caller sees. The default is slog.Default.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) error { c.log = l; return nil })
}

// Listen is the address of Start and Run, as [service.Listen] takes it; the default is tcp localhost:9090. Given more
// than once, the first one is what the name server registers itself with.
func Listen(network, address string) Option {
	return option(func(c *config) error {
		c.server = append(c.server, service.Listen(network, address))
		if !c.listens && network != "unix" {
			c.address = address
		}
		c.listens = true
		return nil
	})
}

// Server sets up the server that Start and Run make: middlewares, serializers, an HMAC key, a listener.
func Server(opts ...service.ServerOption) Option {
	return option(func(c *config) error { c.server = append(c.server, opts...); return nil })
}

// ListenOn has Start and Run listen on l instead of an address.
func ListenOn(l net.Listener) Option {
	return option(func(c *config) error {
		c.server, c.listens = append(c.server, service.ListenOn(l)), true
		return nil
	})
}

// NAT has the name server register itself with another address than the one it listens on, where clients see another
// one (Pyro's NATHOST and NATPORT). Port 0 is the real one. Answers to broadcasts keep the real address, as in Pyro:
// who hears a broadcast is on this side.
func NAT(host string, port int) Option {
	return option(func(c *config) error {
		if host == "" || port < 0 || port > 65535 {
			return fmt.Errorf("NAT(%q, %d): want a host and a port", host, port)
		}
		c.natHost, c.natPort = host, port
		return nil
	})
}

// Broadcast answers those who look for a name server by UDP broadcast, on address HOST:PORT; Pyro's is ":9091". As in
// Pyro it does not where it makes no sense: for a name server on localhost, in IPv6 or on a unix socket.
func Broadcast(address string) Option {
	return option(func(c *config) error { c.broadcast = &address; return nil })
}

// Autoclean looks every interval whether what is registered can still be connected to, and removes what cannot for 20
// seconds (Pyro's NS_AUTOCLEAN). 0, the default, never looks; less than 3 seconds is an error.
func Autoclean(interval time.Duration) Option {
	return option(func(c *config) error {
		if interval < 0 || interval > 0 && interval < minAutoclean {
			return errors.New("NS_AUTOCLEAN cannot be smaller than 3")
		}
		c.autoclean = interval
		return nil
	})
}
