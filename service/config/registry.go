package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/middleware/breaker"
	"github.com/pyrokit/pyrokit/middleware/cache"
	"github.com/pyrokit/pyrokit/middleware/concurrency"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/logging"
	"github.com/pyrokit/pyrokit/middleware/metrics"
	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	"github.com/pyrokit/pyrokit/middleware/recovery"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/middleware/tracing"
	"github.com/pyrokit/pyrokit/middleware/validate"
	"github.com/pyrokit/pyrokit/middleware/watchdog"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// builtin registers the middlewares of this module. The name of each is that of its message, in snake_case.
func builtin(r *Registry) {
	must(Register(r, "any_auth", auth.AnyFromConfig))
	must(Register(r, "authorization", auth.AuthorizeFromConfig))
	must(Register(r, "cache", cache.FromConfig))
	must(Register(r, "certificate_auth", auth.CertificateFromConfig))
	must(Register(r, "circuit_breaker", breaker.FromConfig))
	must(Register(r, "concurrency_limit", concurrency.FromConfig))
	must(Register(r, "correlation", correlation.FromConfig))
	must(Register(r, "hmac_auth", auth.HMACFromConfig))
	must(Register(r, "logging", logging.FromConfig))
	must(Register(r, "rate_limit", ratelimit.FromConfig))
	must(Register(r, "recovery", recovery.FromConfig))
	must(Register(r, "retry", retry.FromConfig))
	must(Register(r, "timeout", timeout.FromConfig))
	must(Register(r, "token_auth", auth.TokensFromConfig))
	must(Register(r, "validation", validate.FromConfig))
	must(Register(r, "watchdog", watchdog.FromConfig))
	must(register(r, "metrics", func(m *configv1.Metrics, env Env) (transport.Middleware, error) {
		return metrics.FromConfig(m, env.Env, env.Metrics)
	}))
	must(register(r, "tracing", func(m *configv1.Tracing, env Env) (transport.Middleware, error) {
		return tracing.FromConfig(m, env.Env, env.Tracing)
	}))
}

func must(err error) {
	if err != nil {
		panic(err) // the list above is wrong
	}
}

// An Env is what surrounds what is built of a message: a chain, a server, a proxy. Its Secret is [ReadSecret] where it is
// nil, but for [Chain] alone, which reads the values then that stand in the message.
type Env struct {
	middleware.Env

	// Path is where the message stands in the configuration, as errors are to say: server.chain.
	Path string
	// Metrics is where metrics are registered; nil refuses a chain with them.
	Metrics prometheus.Registerer
	// Tracing is where spans go; nil refuses a chain with tracing.
	Tracing trace.TracerProvider
	// Registry has the middlewares; nil means Default().
	Registry *Registry
}

// WithValues returns the environment of the chain of a server or proxy that has these settings, which a middleware that
// keeps answers has to know. What they do not say remains as it is in e. [ServerOptions] and [ProxyOptions] do so by
// themselves.
func (e Env) WithValues(v *configv1.Values, l *configv1.Limits) Env {
	o := &e.Values
	o.OrderedDicts = o.OrderedDicts || v.GetOrderedDicts()
	o.DisallowUnknownFields = o.DisallowUnknownFields || v.GetDisallowUnknownFields()
	o.BytesRepr = o.BytesRepr || v.GetBytesRepr()
	o.Lenient = o.Lenient || v.GetLenient()
	o.PickleCalls = o.PickleCalls || v.GetPickleCalls()
	o.PickleProtocol = cmp.Or(int(v.GetPickleProtocol()), o.PickleProtocol)
	o.MaxDepth = cmp.Or(int(l.GetMaxDepth()), o.MaxDepth)
	return e
}

// A Registry knows the middlewares that a chain may consist of. It may be read by several goroutines at the same
// time, but not while something is registered.
type Registry struct {
	kinds map[string]*kind // by name
}

// A kind is a middleware that can be made from its message.
type kind struct {
	name    string
	message protoreflect.MessageType
	make    func(proto.Message, Env) (transport.Middleware, error)
}

// Default returns a new Registry with the middlewares of this module.
func Default() *Registry {
	r := &Registry{kinds: map[string]*kind{}}
	builtin(r)
	return r
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Register adds a middleware: its name in configurations, in snake_case, and the function that makes it from its
// message. It is an error if either is there already.
func Register[M proto.Message](r *Registry, name string, fromConfig func(M, middleware.Env) (transport.Middleware, error)) error {
	return register(r, name, func(m M, env Env) (transport.Middleware, error) { return fromConfig(m, env.Env) })
}

func register[M proto.Message](r *Registry, name string, fromConfig func(M, Env) (transport.Middleware, error)) error {
	var none M
	message := none.ProtoReflect().Type()
	full := message.Descriptor().FullName()
	switch there := r.byMessage(full); {
	case !snake.MatchString(name):
		return fmt.Errorf("middleware %q: the name is not in snake_case", name)
	case r.kinds[name] != nil:
		return fmt.Errorf("middleware %s: it is there already", name)
	case there != nil:
		return fmt.Errorf("middleware %s: its message %s is that of %s", name, full, there.name)
	}
	r.kinds[name] = &kind{name: name, message: message, make: func(m proto.Message, env Env) (transport.Middleware, error) {
		typed, ok := m.(M)
		if !ok {
			return transport.Middleware{}, fmt.Errorf("want a message %s, found %T", full, m)
		}
		return fromConfig(typed, env)
	}}
	return nil
}

// Names returns the names of the middlewares, sorted.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.kinds)) }

// Types returns the messages of the middlewares by name.
func (r *Registry) Types() map[string]protoreflect.MessageType {
	types := make(map[string]protoreflect.MessageType, len(r.kinds))
	for name, k := range r.kinds {
		types[name] = k.message
	}
	return types
}

func (r *Registry) byMessage(full protoreflect.FullName) *kind {
	for _, k := range r.kinds {
		if k.message.Descriptor().FullName() == full {
			return k
		}
	}
	return nil
}
