package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/auth"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

var (
	onServer = middleware.Env{End: transport.ServerEnd}
	onProxy  = middleware.Env{End: transport.ClientEnd}
)

// judge returns whom a server's middleware takes a credential for; nil if it is denied.
func judge(t *testing.T, m transport.Middleware, credential any, state *tls.ConnectionState) any {
	t.Helper()
	h := &transport.Handshake{Object: "o", Value: codec.ValueOf(credential), Peer: &transport.Peer{TLS: state}}
	_, err := m.Handshake(func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
		return &transport.Welcome{}, nil
	})(t.Context(), h)
	require.Equal(t, h.Peer.Principal == nil, err != nil)
	return h.Peer.Principal
}

// saying returns what a proxy's middleware says.
func saying(t *testing.T, m transport.Middleware) any {
	t.Helper()
	h := &transport.Handshake{Object: "o"}
	_, err := m.Handshake(func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
		return &transport.Welcome{}, nil
	})(t.Context(), h)
	require.NoError(t, err)
	said, err := h.Value.Any()
	require.NoError(t, err)
	return said
}

func TestTokensFromConfig(t *testing.T) {
	m, err := auth.TokensFromConfig(configtest.Message(t, &configv1.TokenAuth{},
		`{"principals": {"irma": {"value": "sesame"}, "kees": {"value": "tulip"}}}`), onServer)
	require.NoError(t, err)
	require.Equal(t, "irma", judge(t, m, "sesame", nil))
	require.Equal(t, "kees", judge(t, m, "tulip", nil))
	require.Nil(t, judge(t, m, "clog", nil))

	for _, env := range []middleware.Env{onProxy, {}} {
		m, err = auth.TokensFromConfig(configtest.Message(t, &configv1.TokenAuth{}, `{"token": {"value": "sesame"}}`), env)
		require.NoError(t, err)
		require.Equal(t, "sesame", saying(t, m))
	}
}

func TestSecretsAreReadByTheEnv(t *testing.T) {
	env := middleware.Env{End: transport.ClientEnd, Secret: func(s *configv1.Secret) (string, error) {
		if s.GetEnv() == "TOKEN" {
			return "sesame", nil
		}
		return "", errors.New("no such variable")
	}}
	m, err := auth.TokensFromConfig(configtest.Message(t, &configv1.TokenAuth{}, `{"token": {"env": "TOKEN"}}`), env)
	require.NoError(t, err)
	require.Equal(t, "sesame", saying(t, m))
	_, err = auth.TokensFromConfig(configtest.Message(t, &configv1.TokenAuth{}, `{"token": {"env": "OTHER"}}`), env)
	require.EqualError(t, err, "token: no such variable")
}

func TestHMACFromConfig(t *testing.T) {
	auth.ForgetReplays() // those of other tests are of another time
	synctest.Test(t, func(t *testing.T) {
		server := func(fields string) transport.Middleware {
			m, err := auth.HMACFromConfig(configtest.Message(t, &configv1.HmacAuth{},
				`{"principals": {"irma": {"value": "sesame"}}`+fields+`}`), onServer)
			require.NoError(t, err)
			return m
		}
		client, err := auth.HMACFromConfig(configtest.Message(t, &configv1.HmacAuth{},
			`{"principal": "irma", "key": {"value": "sesame"}}`), onProxy)
		require.NoError(t, err)

		one := server("")
		said := saying(t, client)
		require.Equal(t, "irma", judge(t, one, said, nil))
		require.Nil(t, judge(t, one, said, nil), "a second time")
		require.Nil(t, judge(t, server(`, "window": "40s"`), said, nil), "by one that is made anew")

		said = saying(t, client)
		time.Sleep(35 * time.Second)
		require.Nil(t, judge(t, one, said, nil), "too old")
		require.Equal(t, "irma", judge(t, server(`, "window": "40s"`), said, nil))

		time.Sleep(time.Hour)
		small := server(`, "max_nonces": 1`)
		require.Equal(t, "irma", judge(t, small, saying(t, client), nil))
		require.Nil(t, judge(t, small, saying(t, client), nil), "it has no room")
	})
}

func TestCertificatesFromConfig(t *testing.T) {
	spiffe, err := url.Parse("spiffe://example/irma")
	require.NoError(t, err)
	state := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{
		Subject: pkix.Name{CommonName: "irma"}, DNSNames: []string{"irma.example"}, URIs: []*url.URL{spiffe},
		EmailAddresses: []string{"irma@example"},
	}}}}
	bare := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
	for text, want := range map[string]string{
		`{}`: "irma", `{"name": "NAME_COMMON_NAME"}`: "irma", `{"name": "NAME_DNS"}`: "irma.example", `{"name": "NAME_URI"}`: "spiffe://example/irma", `{"name": "NAME_EMAIL"}`: "irma@example",
	} {
		m, err := auth.CertificateFromConfig(configtest.Message(t, &configv1.CertificateAuth{}, text), onServer)
		require.NoError(t, err)
		require.Equal(t, want, judge(t, m, "hello", state))
		require.Nil(t, judge(t, m, "hello", bare))
	}
}

func TestAnyFromConfig(t *testing.T) {
	m, err := auth.AnyFromConfig(configtest.Message(t, &configv1.AnyAuth{}, `{"methods": [
		{"certificate": {}}, {"token": {"principals": {"irma": {"value": "sesame"}}}}, {"hmac": {"principals": {"kees": {"value": "tulip"}}}}
	]}`), onServer)
	require.NoError(t, err)
	jan := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: "jan"}}}}}
	require.Equal(t, "jan", judge(t, m, "sesame", jan))
	require.Equal(t, "irma", judge(t, m, "sesame", nil))
	require.Equal(t, "kees", judge(t, m, signed("tulip", "kees", time.Now(), "0123456789abcdefANY", "o"), nil))
	require.Nil(t, judge(t, m, "clog", nil))
}

func TestAuthorizationFromConfig(t *testing.T) {
	m, err := auth.AuthorizeFromConfig(configtest.Message(t, &configv1.Authorization{}, `{"rules": [
		{"principals": ["irma"], "calls": ["bank.close"], "deny": true},
		{"principals": ["irma"], "calls": ["bank.*"]},
		{"calls": ["public.*"]}
	]}`), onServer)
	require.NoError(t, err)
	for call, want := range map[string]bool{
		"irma bank pay": true, "irma bank close": false, "kees bank pay": false, "kees public m": true,
	} {
		part := strings.Fields(call)
		_, err := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })(
			t.Context(), &transport.Call{Peer: &transport.Peer{Principal: part[0]}, Object: part[1], Method: part[2]})
		require.Equal(t, want, err == nil, call)
	}
	require.Equal(t, []transport.Want{{Of: "principal", Why: "its rules name principals", Must: true}}, m.Order.Needs)
	require.Empty(t, auth.Authorize(auth.Rule{Calls: []string{"public.*"}}).Order.Needs)
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	tokens := func(env middleware.Env) func(*configv1.TokenAuth) error {
		return func(m *configv1.TokenAuth) error { _, err := auth.TokensFromConfig(m, env); return err }
	}
	configtest.Wrong(t, &configv1.TokenAuth{}, tokens(onServer), map[string][]string{
		`{}`:                        {"principals: must have one at least on a server"},
		`{"token": {"value": "x"}}`: {"principals: must have one at least on a server"},
		`{"token": {"value": "x"}, "principals": {"irma": {"value": "y"}}}`: {"token: is for a proxy, principals for a server: set one of them"},
		`{"principals": {"irma": {}, "a\nb": {"value": "y"}}}`: {
			`principals["irma"]: must not be empty`, `principals["a\nb"]: the name of a principal must be one line of text`,
		},
		`{"principals": {"irma": {"value": "y"}, "kees": {"value": "y"}}}`: {`principals["kees"]: is the same as that of irma`},
	})
	configtest.Wrong(t, &configv1.TokenAuth{}, tokens(onProxy), map[string][]string{
		`{"principals": {"irma": {"value": "y"}}}`: {"token: must be set"},
	})
	configtest.Wrong(t, &configv1.HmacAuth{}, func(m *configv1.HmacAuth) error {
		_, err := auth.HMACFromConfig(m, onServer)
		return err
	}, map[string][]string{
		`{"principals": {"irma": {"value": "y"}}, "window": "-1s", "max_nonces": -1}`: {
			"window: must be a time of 0s or more", "max_nonces: must be 0 or more, not -1",
		},
	})
	configtest.Wrong(t, &configv1.HmacAuth{}, func(m *configv1.HmacAuth) error {
		_, err := auth.HMACFromConfig(m, onProxy)
		return err
	}, map[string][]string{
		`{"key": {"value": "x"}}`:                      {"principal: must not be empty: it is who the key belongs to"},
		`{"principal": "a\nb", "key": {"value": "x"}}`: {"principal: must be one line"},
	})
	configtest.Wrong(t, &configv1.CertificateAuth{}, func(m *configv1.CertificateAuth) error {
		_, err := auth.CertificateFromConfig(m, onServer)
		return err
	}, map[string][]string{`{"name": 99}`: {"name: 99 is no kind of name"}})
	configtest.Wrong(t, &configv1.AnyAuth{}, func(m *configv1.AnyAuth) error {
		_, err := auth.AnyFromConfig(m, onServer)
		return err
	}, map[string][]string{
		`{}`: {"methods: must have one at least"},
		`{"methods": [{}, {"token": {}}, {"hmac": {}}, {"certificate": {"name": 99}}]}`: {
			"methods[0].method: must be token, hmac or certificate", "methods[1].token.principals: must have one at least on a server",
			"methods[2].hmac.principals: must have one at least on a server", "methods[3].certificate.name: 99 is no kind of name",
		},
	})
	configtest.Wrong(t, &configv1.Authorization{}, func(m *configv1.Authorization) error {
		_, err := auth.AuthorizeFromConfig(m, onServer)
		return err
	}, map[string][]string{
		`{"rules": [{"principals": [""], "calls": ["a", ""]}]}`: {
			"rules[0].principals[0]: must not be empty: * fits all", "rules[0].calls[1]: must not be empty: * fits all",
		},
	})
}
