package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

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

// AnyOf returns a Verifier that accepts what one of vs accepts, in their order. Its error has the reasons of all.
func AnyOf(vs ...Verifier) Verifier {
	return func(ctx context.Context, h *transport.Handshake, credential any) (any, error) {
		failed := errors.New("no verifier accepts it")
		for _, v := range vs {
			principal, err := v(ctx, h, credential)
			switch {
			case err != nil:
				failed = fmt.Errorf("%w; %w", failed, err)
			case principal != nil:
				return principal, nil
			}
		}
		return nil, failed
	}
}
