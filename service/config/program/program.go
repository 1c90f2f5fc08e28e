package program

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/admin"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/metrics"
	"github.com/pyrokit/pyrokit/service/nameserver"
	nsmetrics "github.com/pyrokit/pyrokit/service/nameserver/metrics"
	"github.com/pyrokit/pyrokit/transport"
)

// An Option sets up a Program.
type Option func(*options)

type options struct {
	load           []config.LoadOption
	registry       *config.Registry
	server         []service.ServerOption
	proxies        []service.ProxyOption
	stdout, stderr io.Writer
	ready          func([]Address)
}

// Load has the configuration loaded with more options, now and at each reload: [config.Set], [config.Environ].
func Load(opts ...config.LoadOption) Option {
	return func(o *options) { o.load = append(o.load, opts...) }
}

// Middlewares says what entries of chains may be, in the place of [config.Default].
func Middlewares(r *config.Registry) Option {
	return func(o *options) { o.registry, o.load = r, append(o.load, config.Middlewares(r)) }
}

// ServerOptions has the server set up with more options, for what only code can say: [service.Classes],
// [service.OnDisconnect]. They count more than the configuration; middlewares stand inside of its chain.
func ServerOptions(opts ...service.ServerOption) Option {
	return func(o *options) { o.server = append(o.server, opts...) }
}

// ProxyOptions is ServerOptions for each of the proxies.
func ProxyOptions(opts ...service.ProxyOption) Option {
	return func(o *options) { o.proxies = append(o.proxies, opts...) }
}

// Streams are what the log goes to as stdout and stderr; the default are those of the process.
func Streams(stdout, stderr io.Writer) Option {
	return func(o *options) { o.stdout, o.stderr = stdout, stderr }
}

// An Address is a place where a program answers.
type Address struct {
	What string // "ns", a name server; "server" or "admin"
	URI  string // of the name server, or of a service, on a listener; of the admin listener a URL
}

// OnReady has ready called, once, when all has started.
func OnReady(ready func([]Address)) Option {
	return func(o *options) { o.ready = ready }
}

// A Program is what a configuration describes. Its methods may be called concurrently.
type Program struct {
	opts    options
	names   []string // of the files, as they were given
	log     *programLog
	metrics *prometheus.Registry
	reloads *reloadMetrics
	tracing *sdktrace.TracerProvider // nil: spans go nowhere
	token   adminToken

	admin      *admin.Server // nil before Run has started it
	server     *service.Server
	nameServer *nameserver.NameServer
	store      storage.Storage
	chains     map[string]*config.Dynamic // by path

	stopping chan struct{} // closed when Run begins to stop

	mu       sync.Mutex              // guards what follows; held during a reload
	stop     context.CancelCauseFunc // ends Run; nil before it
	file     *config.File            // that was loaded last
	running  *configv1.Config        // in force
	pending  []string                // what waits for a restart
	secrets  map[string][sha256.Size]byte
	proxies  map[string]*service.Proxy
	services map[string]*service.Service // those of the configuration
	started  bool
}

// New loads files, as [config.Load] does, and makes what they describe. Nothing listens or connects before Run, which
// also ends what was made; who does not call Run calls Close. The error is [config.Errors], with the places of all that
// is wrong.
func New(files []string, opts ...Option) (*Program, error) {
	p := &Program{
		opts:     options{stdout: os.Stdout, stderr: os.Stderr, ready: func([]Address) {}},
		names:    files,
		metrics:  prometheus.NewRegistry(),
		chains:   map[string]*config.Dynamic{},
		proxies:  map[string]*service.Proxy{},
		services: map[string]*service.Service{},
		stopping: make(chan struct{}),
	}
	for _, o := range opts {
		o(&p.opts)
	}
	var err error
	if p.file, err = config.Load(files, p.opts.load...); err != nil {
		return nil, err
	}
	p.running = proto.CloneOf(p.file.Config())
	p.complete(p.running)
	if err := p.build(); err != nil {
		return nil, errors.Join(p.file.Locate(err), p.Close())
	}
	return p, nil
}

// build makes everything there is.
func (p *Program) build() (err error) {
	c := p.running
	if p.log, err = newLog(c.GetLog(), p.opts.stdout, p.opts.stderr); err != nil {
		return &config.FieldError{Path: "log.output", Err: err}
	}
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.reloads = newReloadMetrics(p.metrics)
	if c.GetTraces() != nil {
		if p.tracing, err = newTraces(c.GetTraces(), p.env("traces")); err != nil {
			return err
		}
	}
	p.secrets, err = digests(c)
	return errors.Join(err, p.readToken(c), p.buildNameServer(c), p.buildServer(c), p.buildProxies(c))
}

// env is what surrounds what is made of the message at path.
func (p *Program) env(path string) config.Env {
	return config.Env{
		Env:      middleware.Env{Log: p.log.Logger, Secret: config.ReadSecret},
		Path:     path,
		Metrics:  p.metrics,
		Tracing:  p.tracer(),
		Registry: p.opts.registry,
	}
}

func (p *Program) tracer() trace.TracerProvider {
	if p.tracing == nil {
		return noop.NewTracerProvider()
	}
	return p.tracing
}

// A chained is a message that has a chain: a server's, or a proxy's.
type chained interface {
	GetChain() *configv1.Chain
	GetValues() *configv1.Values
	GetLimits() *configv1.Limits
}

// chainEnv is what surrounds the chain of m at path.
func (p *Program) chainEnv(m chained, path string, end transport.End) config.Env {
	env := p.env(path)
	env.End = end
	return env.WithValues(m.GetValues(), m.GetLimits())
}

// chain makes a chain that can be replaced.
func (p *Program) chain(m chained, path string, end transport.End) (*config.Dynamic, error) {
	built, err := config.Chain(m.GetChain(), p.chainEnv(m, path, end))
	if err != nil {
		return nil, err
	}
	return config.NewDynamic(built), nil
}

const (
	serverChain = "server.chain"
	namesChain  = "name_server.server.chain"
	tokenPath   = "admin.token"
)

// complete makes messages whose parts can change, where a configuration has none but what they are about is there. A
// section that had settings and is gone is left out: what it is about goes on as it is, with those who may call it.
func (p *Program) complete(c *configv1.Config) {
	if c.GetLog() == nil {
		c.Log = &configv1.Log{}
	}
	if c.GetServer() == nil && proto.Size(p.running.GetServer()) == 0 && (p.server != nil || len(c.GetServices()) > 0) {
		c.Server = &configv1.Server{}
	}
	if c.GetNameServer() != nil && c.GetNameServer().GetServer() == nil && proto.Size(p.running.GetNameServer().GetServer()) == 0 {
		c.NameServer.Server = &configv1.Server{}
	}
}

func proxyPath(name string) string { return "proxies[" + strconv.Quote(name) + "]" }

func (p *Program) buildNameServer(c *configv1.Config) error {
	if c.GetNameServer() == nil {
		return nil
	}
	chain, err := p.chain(c.GetNameServer().GetServer(), namesChain, transport.ServerEnd)
	if err != nil {
		return err
	}
	p.chains[namesChain] = chain
	m := proto.CloneOf(c.GetNameServer())
	m.Server.Chain = nil
	p.nameServer, p.store, err = newNameServer(m, p.env("name_server"), service.Use(chain.Middleware()))
	if err != nil {
		return err
	}
	return nsmetrics.Register(p.metrics, p.nameServer)
}

func (p *Program) buildServer(c *configv1.Config) error {
	if c.GetServer() == nil {
		return nil
	}
	if err := p.newServer(c.GetServer()); err != nil {
		return err
	}
	var errs []error
	for i, m := range c.GetServices() {
		s, err := config.NewService(m, p.env("services["+strconv.Itoa(i)+"]"), p.end)
		if err == nil {
			if err = p.server.Add(s); err != nil {
				err = &config.FieldError{Path: "services[" + strconv.Itoa(i) + "].name", Err: err}
			}
		}
		errs = append(errs, err)
		p.services[m.GetName()] = s
	}
	return errors.Join(errs...)
}

// newServer makes the server, without services.
func (p *Program) newServer(m *configv1.Server) error {
	chain, err := p.chain(m, serverChain, transport.ServerEnd)
	if err != nil {
		return err
	}
	p.chains[serverChain] = chain
	own := proto.CloneOf(m)
	own.Chain = nil
	opts, err := config.ServerOptions(own, p.env("server"))
	if err != nil {
		return err
	}
	opts = append(opts, service.Use(chain.Middleware()))
	p.server = service.NewServer(append(opts, p.opts.server...)...)
	// With the label that tells it from the name server's own.
	return prometheus.WrapRegistererWith(prometheus.Labels{"server": "server"}, p.metrics).Register(metrics.Collector(p.server))
}

func (p *Program) buildProxies(c *configv1.Config) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.GetProxies())) {
		made, err := p.makeProxy(name, c.GetProxies()[name])
		errs = append(errs, err)
		if err == nil {
			p.take(name, made)
		}
	}
	return errors.Join(errs...)
}

// A madeProxy is a proxy with its chain.
type madeProxy struct {
	proxy *service.Proxy
	chain *config.Dynamic
}

func (p *Program) makeProxy(name string, m *configv1.Proxy) (*madeProxy, error) {
	path := proxyPath(name)
	chain, err := p.chain(m, path+".chain", transport.ClientEnd)
	if err != nil {
		return nil, err
	}
	own := proto.CloneOf(m)
	own.Chain = nil
	opts := append([]service.ProxyOption{service.Use(chain.Middleware())}, p.opts.proxies...)
	proxy, err := config.Connect(own, p.env(path), opts...)
	if err != nil {
		return nil, err
	}
	return &madeProxy{proxy, chain}, nil
}

// take has a proxy under a name.
func (p *Program) take(name string, made *madeProxy) {
	p.proxies[name], p.chains[proxyPath(name)+".chain"] = made.proxy, made.chain
}

// Config returns the configuration that is in force: the one that was loaded last, but for what waits for a restart.
func (p *Program) Config() *configv1.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return proto.CloneOf(p.running)
}

// Log returns the program's log.
func (p *Program) Log() *slog.Logger { return p.log.Logger }

// Metrics returns what /metrics shows, for metrics of one's own.
func (p *Program) Metrics() *prometheus.Registry { return p.metrics }

// Tracing returns where spans go, for spans of one's own.
func (p *Program) Tracing() trace.TracerProvider { return p.tracer() }

// Server returns the server, for services, hooks of its health and the like. One that the configuration has nothing about
// is made with the defaults, before Run: once Run was called, a program that has none stays without, and Server returns nil.
func (p *Program) Server() *service.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil && p.stop == nil {
		p.running.Server = &configv1.Server{}
		if err := p.newServer(p.running.GetServer()); err != nil {
			panic(err) // an empty message is right
		}
	}
	return p.server
}

// Proxy returns the proxy that the configuration has under a name, the same each time. Close, and so Run, closes it.
func (p *Program) Proxy(name string) (*service.Proxy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if proxy := p.proxies[name]; proxy != nil {
		return proxy, nil
	}
	return nil, fmt.Errorf("proxy %s: the configuration has none of this name, but %v", name, slices.Sorted(maps.Keys(p.proxies)))
}

var errEndedByCaller = errors.New("a caller has ended it")

// end ends Run, for who may end the program from outside.
func (p *Program) end() {
	p.mu.Lock()
	stop := p.stop
	p.mu.Unlock()
	if stop != nil {
		stop(errEndedByCaller)
	}
}

// Close ends what New has made, traces that were not sent yet included. It does not end Run, which calls it.
func (p *Program) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, proxy := range p.proxies {
		errs = append(errs, proxy.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
		p.store = nil
	}
	if p.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		errs = append(errs, p.tracing.Shutdown(ctx))
	}
	if p.log != nil {
		p.log.out.close()
	}
	return errors.Join(errs...)
}
