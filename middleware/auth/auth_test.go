package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/middleware/logging"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func whoami() *service.Service {
	return service.New("who").Method("am_i", func(ctx context.Context) string { return fmt.Sprint(auth.Principal(ctx)) })
}

func TestCredentials(t *testing.T) {
	verify := auth.Verify(auth.Tokens(map[string]string{"irma": "sesame", "kees": "tulip", "nobody": ""}))
	tests := []struct {
		name       string
		credential any
		want       string // principal; empty: denied
	}{
		{"a token", "sesame", "irma"},
		{"another token", "tulip", "kees"},
		{"a token in a dict, as Python clients may say it", map[string]any{"token": "sesame"}, "irma"},
		{"an unknown token", "open", ""},
		{"an empty token", "", ""},
		{"an empty token in a dict", map[string]any{"token": ""}, ""},
		{"no token in the dict", map[string]any{"user": "irma"}, ""},
		{"the name instead of the token", "irma", ""},
		{"a number", 5, ""},
		{"nothing of its own", nil, ""},
	}
	for _, tt := range tests {
		for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			t.Run(d.String()+"/"+tt.name, func(t *testing.T) {
				client := []service.ProxyOption{service.Dialect(d)}
				if tt.credential != nil {
					client = append(client, service.Use(auth.Credential(tt.credential)))
				}
				p := pairtest.Join(t, whoami(), []service.ServerOption{service.Use(verify)}, client...)
				who, err := service.Call[string](t.Context(), p, "am_i")
				if tt.want == "" {
					require.ErrorContains(t, err, "authentication failed")
					require.ErrorIs(t, err, transport.ErrUnauthenticated)
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, who)
			})
		}
	}
}

func TestADeniedPeerLearnsNothing(t *testing.T) {
	refuse := auth.Verify(func(context.Context, *transport.Handshake, any) (any, error) {
		return nil, errors.New("the database is at 10.0.0.1")
	})
	pair, err := pairtest.Serve(whoami(), service.Use(refuse))
	require.NoError(t, err)
	defer func() { require.NoError(t, pair.Close()) }()
	for _, object := range []string{"who", "nobody"} {
		pair.Name = object
		p, err := pair.Connect()
		require.NoError(t, err)
		err = service.Do(t.Context(), p, "am_i")
		require.ErrorContains(t, err, "authentication failed")
		require.NotContains(t, err.Error(), "10.0.0.1")
		require.NotContains(t, err.Error(), "unknown object")
	}
}

func TestAVerifierThatNamesNobodyDenies(t *testing.T) {
	verify := auth.Verify(func(context.Context, *transport.Handshake, any) (any, error) { return nil, nil }) //nolint:nilnil // that is the case
	p := pairtest.Join(t, whoami(), []service.ServerOption{service.Use(verify)})
	require.ErrorContains(t, service.Do(t.Context(), p, "am_i"), "authentication failed")
}

func TestAVerifierSeesTheHandshake(t *testing.T) {
	var seen *transport.Handshake
	verify := auth.Verify(func(_ context.Context, h *transport.Handshake, credential any) (any, error) {
		seen = h
		return credential, nil
	})
	p := pairtest.Join(t, whoami(), []service.ServerOption{service.Use(verify)}, service.Handshake("irma"))
	who, err := service.Call[string](t.Context(), p, "am_i")
	require.NoError(t, err)
	require.Equal(t, "irma", who)
	require.Equal(t, "who", seen.Object)
	require.NotNil(t, seen.Peer.Addr)
}

// A given socket has no handshake: there is nobody to trust.
func TestACallWithoutAHandshakeIsDenied(t *testing.T) {
	endpoint := auth.Verify(auth.Tokens(nil)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		require.Fail(t, "it must not get here")
		return &transport.Reply{}, nil
	})
	for _, peer := range []*transport.Peer{nil, {}} {
		_, err := endpoint(t.Context(), &transport.Call{Peer: peer})
		require.ErrorIs(t, err, transport.ErrPermissionDenied)
	}
	require.Nil(t, auth.Principal(t.Context()))
}

// Whoever runs the server has to know why; the peer must not.
func TestTheReasonOfADenialIsForTheLog(t *testing.T) {
	tokens := auth.Tokens(map[string]string{"irma": "sesame"})
	nobody := func(context.Context, *transport.Handshake, any) (any, error) { return nil, nil } //nolint:nilnil // what is tried
	for _, tt := range []struct {
		name   string
		verify auth.Verifier
		said   any
		want   string
	}{
		{"an unknown token", tokens, "open", "unknown token"},
		{"no token", tokens, "", "the client says no token"},
		{"no principal has one", auth.Tokens(map[string]string{"irma": ""}), "open", "no principal has a token that is not empty"},
		{"not signed", auth.HMAC(map[string]string{"irma": "key"}), "open", "the credential is not signed"},
		{"nobody", nobody, "open", "the credential belongs to nobody"},
		{
			"none of several", auth.AnyOf(auth.Certificate(nil), nobody, tokens), "open",
			"no verifier accepts it; the peer has no verified certificate; unknown token",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := auth.Verify(tt.verify).Handshake(nil)(t.Context(), &transport.Handshake{Value: codec.ValueOf(tt.said)})
			require.EqualError(t, err, auth.ErrDenied.Error())
			require.ErrorIs(t, err, auth.ErrDenied)
			require.ErrorIs(t, err, transport.ErrUnauthenticated)
			require.EqualError(t, errors.Unwrap(err), tt.want)

			var log bytes.Buffer
			chain := logging.New(slog.New(slog.NewTextHandler(&log, nil))).Handshake(auth.Verify(tt.verify).Handshake(nil))
			_, err = chain(t.Context(), &transport.Handshake{Value: codec.ValueOf(tt.said), Peer: &transport.Peer{}})
			require.ErrorIs(t, err, auth.ErrDenied)
			require.Contains(t, log.String(), fmt.Sprintf("error=%q why=%q", auth.ErrDenied.Message, tt.want))
		})
	}
}
