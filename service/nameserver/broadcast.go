package nameserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	broadcastRequest = "GET_NSURI"
	maxRequest       = 100 // bytes of a request that Pyro reads
)

// A responder answers those who look for a name server by broadcast.
type responder struct {
	conn     net.PacketConn
	uri      pyro.URI // of the name server
	anywhere bool     // it listens on all addresses: the answer names the one that faces the asker
	answered *atomic.Uint64
}

// whyNoBroadcast says why a name server at uri has no responder; empty if it has one. Source of the rules: the Pyro
// manuals, "Starting the Name Server".
func whyNoBroadcast(ctx context.Context, uri pyro.URI) string {
	if uri.Socket != "" {
		return "the name server is on a unix socket"
	}
	ip := net.ParseIP(uri.Host)
	if ip == nil {
		addrs, err := net.DefaultResolver.LookupIP(ctx, "ip", uri.Host)
		if err != nil || len(addrs) == 0 {
			return "the host of the name server is unknown"
		}
		ip = addrs[0]
		for _, a := range addrs { // one of IPv4, if there is one
			if a.To4() != nil {
				ip = a
				break
			}
		}
	}
	switch {
	case ip.IsLoopback():
		return "the name server is on localhost"
	case ip.To4() == nil:
		return "IPv6 has no broadcast"
	}
	return ""
}

// respond opens a responder at address, HOST:PORT.
func respond(ctx context.Context, address string, uri pyro.URI, answered *atomic.Uint64) (*responder, error) {
	lc := net.ListenConfig{Control: shareAddress}
	conn, err := lc.ListenPacket(ctx, "udp4", address)
	if err != nil {
		return nil, fmt.Errorf("answer broadcasts: %w", err)
	}
	return &responder{conn: conn, uri: uri, anywhere: net.ParseIP(uri.Host).IsUnspecified(), answered: answered}, nil
}

// The pauses after errors of the socket that follow each other.
const (
	firstPause = time.Millisecond
	maxPause   = 5 * time.Second
)

// run answers until the responder is closed, or ctx ends while its socket fails, which is logged once.
func (r *responder) run(ctx context.Context, log *slog.Logger) {
	wait := firstPause
	for ctx.Err() == nil {
		var buf [maxRequest]byte
		n, from, err := r.conn.ReadFrom(buf[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if wait == 2*firstPause { // the second in a row: a single one may be that an asker has gone
				log.Error("broadcasts are not answered, trying again", "error", err)
			}
			pause(ctx, wait)
			wait = min(2*wait, maxPause)
			continue
		}
		if wait > 2*firstPause {
			log.Info("broadcasts are answered again")
		}
		wait = firstPause
		if string(buf[:n]) != broadcastRequest {
			continue
		}
		if answer, ok := r.answer(ctx, from); ok {
			if _, err := r.conn.WriteTo(answer, from); err == nil {
				r.answered.Add(1)
			}
		}
	}
}

// answer is the URI for one asker, in ISO-8859-1.
func (r *responder) answer(ctx context.Context, asker net.Addr) ([]byte, bool) {
	uri := r.uri
	if r.anywhere {
		c, err := (&net.Dialer{}).DialContext(ctx, "udp4", asker.String()) // asks for a route; nothing is sent
		if err == nil {
			if local, ok := c.LocalAddr().(*net.UDPAddr); ok {
				uri.Host = local.IP.String()
			}
			_ = c.Close()
		}
	}
	var b []byte
	for _, c := range uri.String() {
		if c > 0xff {
			return nil, false
		}
		b = append(b, byte(c)) //nolint:gosec // checked above
	}
	return b, true
}
