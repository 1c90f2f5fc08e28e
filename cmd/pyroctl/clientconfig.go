package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// A clientConfig is what the file of --config says about how commands connect, beside what it says in the place of
// flags.
type clientConfig struct {
	hmacKey, token string
	tls            *tlsfiles.Files // nil: none
	chain          *configv1.Chain
}

// fromFile reads the file of --config, for what neither flags nor the environment say.
func (f *factory) fromFile(fs *pflag.FlagSet) error {
	if f.flags.configFile == "" {
		return nil
	}
	file, err := config.Load([]string{f.flags.configFile})
	if err != nil {
		return &configError{f.allWrong("--config "+f.flags.configFile, err)}
	}
	m := file.Config().GetClient()
	f.flagsFromFile(fs, m)
	if err := file.Locate(f.secure(fs, m)); err != nil {
		return &configError{f.allWrong("--config "+f.flags.configFile, err)}
	}
	return nil
}

// flagsFromFile takes what there are flags for.
func (f *factory) flagsFromFile(fs *pflag.FlagSet, m *configv1.Client) {
	g := &f.flags
	unsaid := func(flag string, variables ...string) bool {
		for _, name := range variables {
			if _, set := lookupEnv(name); set {
				return false
			}
		}
		return !fs.Changed(flag)
	}
	if names := m.GetNameServers(); len(names) > 0 && unsaid("ns", "PYRO_NS_HOST", "PYRO_NS_PORT") {
		g.nameServers = names
	}
	if d := m.GetTimeout(); d != nil && unsaid("timeout", "PYRO_COMMTIMEOUT") {
		g.timeout = d.AsDuration()
	}
	if m.GetSerializer() != "" && unsaid("serializer", "PYRO_SERIALIZER") {
		g.serializer = m.GetSerializer()
	}
	if d := m.GetDialect(); d != configv1.Dialect_DIALECT_UNSPECIFIED && unsaid("dialect") {
		g.dialect = codec.Dialect(d).String() //nolint:gosec // an enum of small numbers
	}
	g.compress = g.compress || m.GetCompression()
}

// secure reads secrets and certificates.
func (f *factory) secure(fs *pflag.FlagSet, m *configv1.Client) error {
	read := func(path string, s *configv1.Secret) (string, error) {
		value, err := config.ReadSecret(s)
		if err != nil {
			return "", &config.FieldError{Path: path, Err: err}
		}
		return value, nil
	}
	var err error
	c := &f.client
	if m.GetHmacKey() != nil && f.flags.hmacKeyEnv == "" {
		if c.hmacKey, err = read("client.hmac_key", m.GetHmacKey()); err != nil {
			return err
		}
	}
	if m.GetToken() != nil && !fs.Changed("credential-env") {
		if c.token, err = read("client.token", m.GetToken()); err != nil {
			return err
		}
	}
	if m.GetTls() != nil && !f.flags.tls.enabled() {
		if c.tls, err = config.ClientTLS(m.GetTls(), config.Env{Path: "client.tls"}); err != nil {
			return err
		}
	}
	c.chain = m.GetChain()
	return nil
}

// chain returns the middlewares that calls go through.
func (f *factory) chain() (transport.Middleware, error) {
	built, err := config.Chain(f.client.chain, config.Env{
		Env:     middleware.Env{End: transport.ClientEnd, Log: f.log, Secret: config.ReadSecret},
		Path:    "client.chain",
		Metrics: prometheus.NewRegistry(),
		Tracing: noop.NewTracerProvider(),
	})
	if err != nil {
		return transport.Middleware{}, &configError{err}
	}
	return built.Middleware(), nil
}
