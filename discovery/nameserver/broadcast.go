package nameserver

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// DefaultBroadcastPort is the UDP port on which name servers answer broadcasts.
const DefaultBroadcastPort = 9091

const (
	broadcastRounds  = 3
	broadcastWait    = 700 * time.Millisecond // for an answer to one round
	broadcastRequest = "GET_NSURI"
	maxBroadcastURI  = 100 // bytes of an answer that Pyro reads
)

// Broadcast asks the network for a name server, as Pyro does: three times, 0.7 s each, it sends a
// datagram to each of addresses (the local network's broadcast address if none is given) at port (0
// means 9091), and returns the first answer. Whoever answers first is believed: it is for looking
// names up by hand, not for programs that register theirs. Only IPv4 has broadcasts.
func Broadcast(ctx context.Context, port int, addresses ...string) (pyro.URI, error) {
	if port == 0 {
		port = DefaultBroadcastPort
	}
	if len(addresses) == 0 {
		addresses = []string{"255.255.255.255"}
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", ":0")
	if err != nil {
		return pyro.URI{}, transport.Wrap(transport.CodeUnavailable, fmt.Errorf("broadcast: %w", err))
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for range broadcastRounds {
		if err := ask(conn, port, addresses); err != nil {
			return pyro.URI{}, transport.Wrap(transport.CodeUnavailable, fmt.Errorf("broadcast: %w", err))
		}
		if uri, ok := awaitAnswer(ctx, conn); ok {
			return uri, nil
		}
		if err := ctx.Err(); err != nil {
			return pyro.URI{}, transport.Wrap(transport.CodeDeadlineExceeded, fmt.Errorf("broadcast: %w", err))
		}
	}
	return pyro.URI{}, transport.Errorf(transport.CodeUnavailable,
		"no name server answered the broadcast to %s at port %d", strings.Join(addresses, ", "), port)
}

// ask sends one round. It fails only if nothing could be sent.
func ask(conn net.PacketConn, port int, addresses []string) error {
	var failed error
	sent := false
	for _, address := range addresses {
		to, err := net.ResolveUDPAddr("udp4", net.JoinHostPort(address, strconv.Itoa(port)))
		if err == nil {
			_, err = conn.WriteTo([]byte(broadcastRequest), to)
		}
		if err != nil {
			failed = err
			continue
		}
		sent = true
	}
	if sent {
		return nil
	}
	return failed
}

// awaitAnswer reads until an answer is a URI or the round is over.
func awaitAnswer(ctx context.Context, conn net.PacketConn) (pyro.URI, bool) {
	end := time.Now().Add(broadcastWait)
	for ctx.Err() == nil {
		_ = conn.SetReadDeadline(end)
		if ctx.Err() != nil { // the end of ctx may have come before the line above
			break
		}
		var buf [maxBroadcastURI]byte
		n, _, err := conn.ReadFrom(buf[:])
		if err != nil {
			return pyro.URI{}, false
		}
		if uri, err := pyro.ParseURI(latin1(buf[:n])); err == nil && uri.Protocol == pyro.ProtocolPyro {
			return uri, true
		}
	}
	return pyro.URI{}, false
}

// latin1 reads text in ISO-8859-1, which answers are written in.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
