package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// ErrDenied is the reason that a denied client sees, whatever a Verifier says. A Go client's error matches
// [transport.ErrUnauthenticated].
var ErrDenied = transport.Errorf(transport.CodeUnauthenticated, "authentication failed")

// errNobody is for verifiers that return neither a principal nor an error.
var errNobody = errors.New("the credential belongs to nobody")

// deny returns the error of a connection that is denied. It has ErrDenied's text, and beneath it the reason, which
// package logging logs on this side and nobody sends.
func deny(why error) error {
	e := transport.Wrap(ErrDenied.Code, deniedError{why})
	e.Message = ErrDenied.Message
	return e
}

// A deniedError is why a connection was denied.
type deniedError struct{ error }

func (d deniedError) Unwrap() error { return d.error }

func (deniedError) Is(target error) bool { return target == error(ErrDenied) }

// A Verifier judges a credential, which is whatever value the client said, and returns who it belongs
// to: a comparable value that is not nil. The handshake has the peer's address and TLS state. An error
// denies the connection; the client is not told its text, but the log is (package logging): it must not have
// the credential.
type Verifier func(ctx context.Context, h *transport.Handshake, credential any) (principal any, err error)

// said is the order of what says a credential: of two, the inner one would be said.
var said = transport.Order{End: transport.ClientEnd, Once: "credential"}

// Credential returns the middleware of a client: it says v in the handshake.
func Credential(v any) transport.Middleware {
	return transport.Middleware{
		Name:  "auth",
		Order: said,
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				h.Value = codec.ValueOf(v)
				return next(ctx, h)
			}
		},
	}
}

// Verify returns the middleware of a server: connections that v does not accept are denied.
func Verify(v Verifier) transport.Middleware {
	return transport.Middleware{
		Name: "auth",
		Order: transport.Order{
			End: transport.ServerEnd, Gives: []string{"principal"},
			Once: "authentication (any_auth, or AnyOf, joins several)",
		},
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				credential, err := h.Value.Any()
				if err != nil {
					return nil, deny(errors.New("the credential cannot be read"))
				}
				principal, err := v(ctx, h, credential)
				if err != nil {
					return nil, deny(err)
				}
				if principal == nil {
					return nil, deny(errNobody)
				}
				h.Peer.Principal = principal
				return next(ctx, h)
			}
		},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Peer == nil || call.Peer.Principal == nil { // a connection without a handshake
					return nil, transport.NewError("SecurityError", ErrDenied.Message)
				}
				return next(ctx, call)
			}
		},
	}
}

// Tokens returns a Verifier of shared secrets: principals maps the name of each principal to its
// token. Tokens are compared in constant time. An empty token belongs to nobody.
func Tokens(principals map[string]string) Verifier {
	digests := make(map[string][sha256.Size]byte, len(principals))
	for name, token := range principals {
		if token != "" {
			digests[name] = sha256.Sum256([]byte(token))
		}
	}
	return func(_ context.Context, _ *transport.Handshake, credential any) (any, error) {
		token, ok := tokenOf(credential)
		if !ok {
			return nil, errors.New("the client says no token")
		}
		digest := sha256.Sum256([]byte(token))
		var found any
		for name, want := range digests { // all of them, whichever it is
			if subtle.ConstantTimeCompare(digest[:], want[:]) == 1 {
				found = name
			}
		}
		switch {
		case found != nil:
			return found, nil
		case len(digests) == 0:
			return nil, errors.New("no principal has a token that is not empty")
		default:
			return nil, errors.New("unknown token")
		}
	}
}

func tokenOf(credential any) (string, bool) {
	if m, ok := credential.(map[string]any); ok {
		credential = m["token"]
	}
	token, ok := credential.(string)
	return token, ok && token != ""
}

// Principal returns who the connection belongs to that ctx's call came over, or nil.
func Principal(ctx context.Context) any {
	info := transport.FromContext(ctx)
	if info == nil || info.Peer == nil {
		return nil
	}
	return info.Peer.Principal
}
