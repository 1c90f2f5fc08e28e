package program

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// reloadMetrics count reloads.
type reloadMetrics struct {
	total      *prometheus.CounterVec
	successful prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) *reloadMetrics {
	m := &reloadMetrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pyrokit_config_reloads_total", Help: "Reloads of the configuration.",
		}, []string{"result"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pyrokit_config_last_reload_successful", Help: "1 if the configuration was right when it was read last.",
		}),
	}
	for _, result := range []string{"ok", "failed"} {
		m.total.WithLabelValues(result)
	}
	m.successful.Set(1)
	reg.MustRegister(m.total, m.successful)
	return m
}

func (m *reloadMetrics) count(err error) {
	result, successful := "ok", 1.0
	if err != nil {
		result, successful = "failed", 0
	}
	m.total.WithLabelValues(result).Inc()
	m.successful.Set(successful)
}

// A Report says what a reload did. Its texts are paths of fields, as server.limits.max_calls.
type Report struct {
	Changed      []string // what has changed
	NeedsRestart []string // what differs, and stays as it was until the program is started anew
}

// Reload reads the configuration again and changes what can change; see the package. With an error, [config.Errors],
// all is as it was. Either is logged, and counted. It is an error before Run has started everything.
func (p *Program) Reload() (Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return Report{}, errNotRunning
	}
	next, err := config.Load(p.names, p.opts.load...)
	if err == nil {
		return p.reload(next)
	}
	return Report{}, p.notReloaded(err)
}

// notReloaded tells of a configuration that is wrong.
func (p *Program) notReloaded(err error) error {
	p.reloads.count(err)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.log.Error("the configuration is wrong, that of before stays", "error", line)
	}
	return err
}

// reload takes what was loaded, under mu.
func (p *Program) reload(next *config.File) (Report, error) {
	c := p.prepare(next)
	if err := errors.Join(c.errs...); err != nil {
		runAll(c.discard)
		return Report{}, p.notReloaded(next.Locate(err))
	}
	before := proto.CloneOf(p.running)
	runAll(c.apply)
	p.file = next
	slices.Sort(c.alsoChanged)
	report := Report{
		Changed:      append(config.Diff(before, p.running), c.alsoChanged...),
		NeedsRestart: append(config.Diff(p.running, c.next), c.alsoWaiting...),
	}
	p.pending = report.NeedsRestart
	p.reloads.count(nil)
	p.warn()
	p.logReport(report, c)
	return report, nil
}

func (p *Program) logReport(report Report, c *change) {
	changed := p.withKinds(report.Changed, p.running)
	if len(report.NeedsRestart) == 0 {
		p.log.Info("the configuration was read again", "changed", changed)
		return
	}
	attrs := []any{"changed", changed, "needs_restart", p.withKinds(report.NeedsRestart, c.next)}
	if len(c.why) > 0 {
		attrs = append(attrs, "why", c.why)
	}
	p.log.Warn("the configuration was read again, and some of it needs a restart", attrs...)
}

// withKinds returns the paths of fields in m, those of entries of chains with what they are: server.chain[0].token_auth.
func (p *Program) withKinds(paths []string, m *configv1.Config) []string {
	chains := map[string]*configv1.Chain{
		serverChain: m.GetServer().GetChain(),
		namesChain:  m.GetNameServer().GetServer().GetChain(),
	}
	for name, proxy := range m.GetProxies() {
		chains[proxyPath(name)+".chain"] = proxy.GetChain()
	}
	kinds := map[string]string{} // by path
	for path, chain := range chains {
		for i, one := range chain.GetMiddlewares() {
			kinds[path+"["+strconv.Itoa(i)+"]"] = p.kindOf(one)
		}
	}
	shown := make([]string, len(paths)) // in JSON [], not null
	for i, path := range paths {
		shown[i] = path
		if kind := kinds[path]; kind != "" {
			shown[i] += "." + kind
		}
	}
	return shown
}

// kindOf returns what configurations call a middleware of this kind.
func (p *Program) kindOf(m *configv1.Middleware) string {
	for name, message := range p.registry().Types() {
		if message.Descriptor().FullName() == m.GetConfig().MessageName() {
			return name
		}
	}
	return ""
}

func (p *Program) registry() *config.Registry {
	if p.opts.registry != nil {
		return p.opts.registry
	}
	return config.Default()
}

func runAll(parts []func()) {
	for _, do := range parts {
		do()
	}
}

// warn logs what would do better otherwise.
func (p *Program) warn() {
	for _, w := range p.file.Warnings() {
		p.log.Warn("the configuration works, but", "warning", w.Error())
	}
}

// A change is a reload that is being prepared. What is prepared cannot fail any more; with errs, nothing of it is done.
type change struct {
	p    *Program
	next *configv1.Config
	errs []error

	apply   []func() // do it, under Program.mu
	discard []func() // give back what was opened in vain

	secrets                  map[string][sha256.Size]byte
	alsoChanged, alsoWaiting []string // by what the messages do not show
	why                      []string // some of it needs a restart, where that is to be said
}

// prepare prepares each part of the program that can change.
func (p *Program) prepare(loaded *config.File) *change {
	c := &change{p: p, next: proto.CloneOf(loaded.Config())}
	if proto.Size(c.next) == 0 && proto.Size(p.file.Config()) > 0 {
		c.add(fmt.Errorf("%s: nothing is set, as if a file were half written", strings.Join(loaded.Files(), ", ")))
		return c
	}
	p.complete(c.next)
	for _, part := range []func(){c.log, c.admin, c.server, c.services, c.nameServer, c.proxies, c.compareSecrets} {
		part()
	}
	return c
}

func (c *change) add(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *change) failed(path string, err error) {
	c.add(&config.FieldError{Path: path, Err: err})
}

// then has do run when the change is applied.
func (c *change) then(do func()) { c.apply = append(c.apply, do) }

func (c *change) log() {
	p, m := c.p, c.next.GetLog()
	output, err := p.log.out.open(m.GetOutput())
	if err != nil {
		c.failed("log.output", err)
		return
	}
	c.discard = append(c.discard, func() { p.log.out.discard(output) })
	c.then(func() {
		p.log.out.use(output)
		p.log.level.Set(levelOf(m.GetLevel()))
		p.running.Log.Level, p.running.Log.Output = m.GetLevel(), m.GetOutput()
		p.running.Include, p.running.Client = c.next.GetInclude(), c.next.GetClient() // which mean nothing to what runs
	})
}

func (c *change) admin() {
	running, next := c.p.running.GetAdmin(), c.next.GetAdmin()
	if running == nil || next == nil {
		return
	}
	token, err := adminTokenOf(c.next)
	c.add(err)
	c.then(func() {
		c.p.token.set(token)
		running.Token = next.GetToken()
		c.p.secrets[tokenPath] = c.secrets[tokenPath]
	})
}

func (c *change) server() {
	if c.p.server != nil && c.next.GetServer() != nil {
		c.ofServer(serverChain, c.p.running.GetServer(), c.next.GetServer(), c.p.server.SetLimits)
	}
}

func (c *change) nameServer() {
	if next := c.next.GetNameServer().GetServer(); c.p.nameServer != nil && next != nil {
		c.ofServer(namesChain, c.p.running.GetNameServer().GetServer(), next, c.p.nameServer.SetLimits)
	}
}

// ofServer makes what can change of a server what next says.
func (c *change) ofServer(chain string, running, next *configv1.Server, setLimits func(*configv1.Limits) error) {
	c.chain(chain, running, next, transport.ServerEnd, func() { running.Chain = next.GetChain() })
	c.then(func() {
		if err := setLimits(next.GetLimits()); err != nil { // the rules of the messages are as strict
			c.p.log.Error("the limits stay as they were", "error", err)
			return
		}
		running.Limits = next.GetLimits()
	})
}

// chain makes the chain that is to take the place of another one, around what runs as it did, and calls taken when it
// has. One that wants what only a new process has waits.
func (c *change) chain(path string, running, next chained, end transport.End, taken func()) {
	built, err := config.Chain(next.GetChain(), c.p.chainEnv(running, path, end))
	chain := c.p.chains[path]
	switch {
	case errors.Is(err, middleware.ErrRestart):
		c.why = append(c.why, err.Error())
	case err != nil:
		c.add(err)
	case opensUp(chain.Chain(), built) != "":
		c.why = append(c.why, path+": it no longer "+opensUp(chain.Chain(), built)+", and a reload opens no server to everybody")
	default:
		c.then(func() {
			for _, i := range built.OtherSecrets(chain.Chain()) {
				c.alsoChanged = append(c.alsoChanged, path+"["+strconv.Itoa(i)+"]")
			}
			chain.Replace(built)
			taken()
		})
	}
}

// opensUp says what next no longer does, as before does: ask who calls, or what they may call. A file that was half
// written when it was read must not open a server to everybody.
func opensUp(before, next *config.BuiltChain) string {
	for _, guard := range []struct{ gives, does string }{{"principal", "authenticates"}, {"permission", "authorizes"}} {
		if before.Gives(guard.gives) && !next.Gives(guard.gives) {
			return guard.does
		}
	}
	return ""
}

// services makes those that are new or differ, and finds those that are gone.
func (c *change) services() {
	if c.p.server == nil {
		return
	}
	before := map[string]*configv1.Service{}
	for _, m := range c.p.running.GetServices() {
		before[m.GetName()] = m
	}
	made := map[string]*service.Service{}
	for i, m := range c.next.GetServices() {
		there := before[m.GetName()]
		delete(before, m.GetName())
		if proto.Equal(there, m) {
			continue
		}
		path := "services[" + strconv.Itoa(i) + "]"
		if there == nil && c.p.server.Health().Status(m.GetName()) != service.ServiceUnknown {
			c.failed(path+".name", errors.New("the program has a service of this name already"))
			continue
		}
		s, err := config.NewService(m, c.p.env(path), c.p.end)
		c.add(err)
		made[m.GetName()] = s
	}
	c.then(func() {
		c.p.serve(made, slices.Sorted(maps.Keys(before)))
		c.p.running.Services = c.next.GetServices()
	})
}

// serve takes services into the server, or in the place of others, and removes some.
func (p *Program) serve(made map[string]*service.Service, removed []string) {
	for _, name := range removed {
		if s := p.services[name]; s != nil { // nil: it could not be added
			p.server.Remove(s)
		}
		delete(p.services, name)
	}
	for name, s := range made {
		add := p.server.Add
		if p.services[name] != nil {
			add = p.server.Replace
		}
		if err := add(s); err != nil {
			p.log.Error("a service stays as it was", "service", name, "error", err)
			continue
		}
		p.services[name] = s
	}
}

// proxies changes the chains of those that are there, and makes new ones.
func (c *change) proxies() {
	for _, name := range slices.Sorted(maps.Keys(c.next.GetProxies())) {
		next := c.next.GetProxies()[name]
		if running := c.p.running.GetProxies()[name]; running != nil {
			c.chain(proxyPath(name)+".chain", running, next, transport.ClientEnd, func() { running.Chain = next.GetChain() })
			continue
		}
		made, err := c.p.makeProxy(name, next)
		if err != nil {
			c.add(err)
			continue
		}
		c.discard = append(c.discard, func() { _ = made.proxy.Close() })
		c.then(func() { c.takeProxy(name, made) })
	}
}

// takeProxy has a new proxy, and its secrets, in force.
func (c *change) takeProxy(name string, made *madeProxy) {
	p := c.p
	p.take(name, made)
	if p.running.Proxies == nil {
		p.running.Proxies = map[string]*configv1.Proxy{}
	}
	p.running.Proxies[name] = c.next.GetProxies()[name]
	for path, digest := range c.secrets {
		if strings.HasPrefix(path, proxyPath(name)+".") {
			p.secrets[path] = digest
		}
	}
}

// compareSecrets finds secrets whose value is another one by now.
func (c *change) compareSecrets() {
	var err error
	c.secrets, err = digests(c.next)
	c.add(err)
	for _, path := range slices.Sorted(maps.Keys(c.secrets)) {
		was, known := c.p.secrets[path]
		switch {
		case !known || was == c.secrets[path]:
		case path == tokenPath:
			c.alsoChanged = append(c.alsoChanged, path)
		default:
			c.alsoWaiting = append(c.alsoWaiting, path)
		}
	}
}

// digests tells whether secrets have changed, without keeping them. Those of keys are read when the keys are.
func digests(c *configv1.Config) (map[string][sha256.Size]byte, error) {
	found := map[string][sha256.Size]byte{}
	var errs []error
	for path, s := range config.Secrets(c) {
		if strings.HasSuffix(path, ".key_password") || strings.HasPrefix(path, "client.") {
			continue
		}
		value, err := config.ReadSecret(s)
		if err != nil {
			errs = append(errs, &config.FieldError{Path: path, Err: err})
			continue
		}
		found[path] = sha256.Sum256([]byte(value))
	}
	return found, errors.Join(errs...)
}
