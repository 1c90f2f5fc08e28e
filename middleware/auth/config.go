package auth

import (
	"cmp"
	"crypto/x509"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// TokensFromConfig returns the middleware that m describes: [Tokens] on a server, [Credential] on a proxy. Errors are
// [middleware.FieldError].
func TokensFromConfig(m *configv1.TokenAuth, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if !sayingEnd(env, m.GetToken() != nil, len(m.GetPrincipals()) > 0, "token", &f) {
		v := tokensOf(m, env, &f)
		return Verify(v), f.Err()
	}
	return Credential(f.Secret("token", m.GetToken(), env)), f.Err()
}

// HMACFromConfig returns the middleware that m describes: [HMAC] on a server, [Sign] on a proxy. All servers of a
// process remember together which signatures were used. Errors are [middleware.FieldError].
func HMACFromConfig(m *configv1.HmacAuth, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if !sayingEnd(env, m.GetKey() != nil, len(m.GetPrincipals()) > 0, "key", &f) {
		v := hmacOf(m, env, &f)
		return Verify(v), f.Err()
	}
	switch name := m.GetPrincipal(); {
	case name == "":
		f.Wrongf("principal", "must not be empty: it is who the key belongs to")
	case strings.Contains(name, "\n"):
		f.Wrongf("principal", "must be one line")
	}
	return Sign(m.GetPrincipal(), f.Secret("key", m.GetKey(), env)), f.Err()
}

// CertificateFromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func CertificateFromConfig(m *configv1.CertificateAuth, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	v := certificateOf(m, &f)
	return Verify(v), f.Err()
}

// AnyFromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func AnyFromConfig(m *configv1.AnyAuth, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if len(m.GetMethods()) == 0 {
		f.Wrongf("methods", "must have one at least")
	}
	onServer := middleware.Env{End: transport.ServerEnd}
	var all []Verifier
	for i, method := range m.GetMethods() {
		at := f.At("methods", i)
		switch one := method.GetMethod().(type) {
		case *configv1.AuthMethod_Token:
			in := at.In("token")
			sayingEnd(onServer, one.Token.GetToken() != nil, len(one.Token.GetPrincipals()) > 0, "token", in)
			all = append(all, tokensOf(one.Token, env, in))
		case *configv1.AuthMethod_Hmac:
			in := at.In("hmac")
			sayingEnd(onServer, one.Hmac.GetKey() != nil, len(one.Hmac.GetPrincipals()) > 0, "key", in)
			all = append(all, hmacOf(one.Hmac, env, in))
		case *configv1.AuthMethod_Certificate:
			all = append(all, certificateOf(one.Certificate, at.In("certificate")))
		default:
			at.Wrongf("method", "must be token, hmac or certificate")
		}
	}
	return Verify(AnyOf(all...)), f.Err()
}

// AuthorizeFromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func AuthorizeFromConfig(m *configv1.Authorization, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	rules := make([]Rule, 0, len(m.GetRules()))
	for i, r := range m.GetRules() {
		at := f.At("rules", i)
		rules = append(rules, Rule{
			Principals: at.Patterns("principals", r.GetPrincipals()),
			Calls:      at.Patterns("calls", r.GetCalls()),
			Deny:       r.GetDeny(),
		})
	}
	return Authorize(rules...), f.Err()
}

// sayingEnd tells whether a credential is to be said, as on a proxy, or to be checked, as on a server. said and
// checked are whether the fields for the one and for the other are set, name is that of the one.
func sayingEnd(env middleware.Env, said, checked bool, name string, f *middleware.Fields) bool {
	saying := env.End == transport.ClientEnd || env.End == transport.AnyEnd && said
	switch {
	case said && checked:
		f.Wrongf(name, "is for a proxy, principals for a server: set one of them")
	case !saying && !checked:
		f.Wrongf("principals", "must have one at least on a server")
	}
	return saying
}

func tokensOf(m *configv1.TokenAuth, env middleware.Env, f *middleware.Fields) Verifier {
	return Tokens(secretsOf(m.GetPrincipals(), env, f))
}

func hmacOf(m *configv1.HmacAuth, env middleware.Env, f *middleware.Fields) Verifier {
	return HMAC(secretsOf(m.GetPrincipals(), env, f),
		Window(cmp.Or(f.Duration("window", m.GetWindow()), DefaultWindow)),
		Nonces(cmp.Or(f.Count("max_nonces", m.GetMaxNonces()), DefaultNonces)),
		sharedMemory())
}

// secretsOf reads the secrets of principals. Two with the same one could not be told apart.
func secretsOf(principals map[string]*configv1.Secret, env middleware.Env, f *middleware.Fields) map[string]string {
	secrets, owners := map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(principals)) {
		path := "principals[" + strconv.Quote(name) + "]"
		if name == "" || strings.Contains(name, "\n") {
			f.Wrongf(path, "the name of a principal must be one line of text")
		}
		secret := f.Secret(path, principals[name], env)
		if owner, ok := owners[secret]; ok && secret != "" {
			f.Wrongf(path, "is the same as that of %s", owner)
		}
		secrets[name], owners[secret] = secret, name
	}
	return secrets
}

func certificateOf(m *configv1.CertificateAuth, f *middleware.Fields) Verifier {
	switch m.GetName() {
	case configv1.CertificateAuth_NAME_UNSPECIFIED, configv1.CertificateAuth_NAME_COMMON_NAME:
		return Certificate(nil)
	case configv1.CertificateAuth_NAME_DNS:
		return Certificate(func(c *x509.Certificate) string { return first(c.DNSNames) })
	case configv1.CertificateAuth_NAME_URI:
		return Certificate(func(c *x509.Certificate) string {
			if len(c.URIs) == 0 {
				return ""
			}
			return c.URIs[0].String()
		})
	case configv1.CertificateAuth_NAME_EMAIL:
		return Certificate(func(c *x509.Certificate) string { return first(c.EmailAddresses) })
	default:
		f.Wrongf("name", "%d is no kind of name", m.GetName())
		return Certificate(nil)
	}
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
