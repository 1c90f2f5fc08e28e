package tlsfiles

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/pyrokit/pyrokit/transport"
)

// A DialFunc makes connections; service.DialWith takes it.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Dialer returns a DialFunc that connects with dial, or with a net.Dialer if that is nil, and then shakes
// hands as a client, with the files as they are then. A handshake that either side has refused is a
// *transport.Error with CodeUnauthenticated. With TLS 1.3 a server's refusal of the client's certificate
// comes later, though: with the first thing that is read.
func (f *Files) Dialer(dial DialFunc) DialFunc {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil { // a unix socket: ServerName says whose
			host = ""
		}
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(raw, f.Client(host))
		if err := c.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, refused(err)
		}
		return c, nil
	}
}

// refused classes the error of a handshake.
func refused(err error) error {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	remote, ok := errors.AsType[*net.OpError](err)
	if unverified || ok && remote.Op == "remote error" { // an alert of the peer's
		return transport.Wrap(transport.CodeUnauthenticated, err)
	}
	return err
}
