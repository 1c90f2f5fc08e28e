package auth

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/pyrokit/pyrokit/transport"
)

// Certificate returns a Verifier of TLS certificates: principal names whom the peer's certificate belongs to, ""
// for nobody. nil takes the common name of its subject; [x509.Certificate.URIs] of SPIFFE or DNSNames are other
// choices. Only a certificate that TLS has verified counts, so the server has to ask for one
// (transport/tlsfiles). What the client says in its handshake does not matter.
func Certificate(principal func(*x509.Certificate) string) Verifier {
	if principal == nil {
		principal = func(c *x509.Certificate) string { return c.Subject.CommonName }
	}
	return func(_ context.Context, h *transport.Handshake, _ any) (any, error) {
		if h.Peer == nil || h.Peer.TLS == nil || len(h.Peer.TLS.VerifiedChains) == 0 || len(h.Peer.TLS.VerifiedChains[0]) == 0 {
			return nil, errors.New("the peer has no verified certificate")
		}
		name := principal(h.Peer.TLS.VerifiedChains[0][0])
		if name == "" {
			return nil, errors.New("the certificate names nobody")
		}
		return name, nil
	}
}

// AnyOf returns a Verifier that accepts what one of vs accepts, in their order.
func AnyOf(vs ...Verifier) Verifier {
	return func(ctx context.Context, h *transport.Handshake, credential any) (any, error) {
		var errs []error
		for _, v := range vs {
			principal, err := v(ctx, h, credential)
			if err == nil && principal != nil {
				return principal, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(append(errs, errors.New("no verifier accepts it"))...)
	}
}
