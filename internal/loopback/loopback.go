// Package loopback tells which hosts are the own machine to everybody: what stands in a URI with such a host, others
// look for on theirs.
package loopback

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

const lookupTimeout = time.Second

// Means tells whether a URI's text alone says that only its own machine can connect to it: a unix socket, localhost, an
// address of loopback, or the one that stands for all addresses.
func Means(u pyro.URI) bool {
	ip := net.ParseIP(u.Host)
	return u.Socket != "" || u.Host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
}

// Resolves tells whether host has no other address than those of loopback, which Debian, for one, gives the machine's
// own name. A host that cannot be resolved within a second has not.
func Resolves(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	return err == nil && len(ips) > 0 && !slices.ContainsFunc(ips, func(ip net.IP) bool { return !ip.IsLoopback() })
}
