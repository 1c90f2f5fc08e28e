package program

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
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
		c.discard()
		return Report{}, p.notReloaded(next.Locate(err))
	}
	before := proto.CloneOf(p.running)
	c.apply()
	p.file = next
	report := Report{
		Changed:      append(config.Diff(before, p.running), c.alsoChanged...),
		NeedsRestart: append(config.Diff(p.running, c.next), c.alsoWaiting...),
	}
	p.pending = report.NeedsRestart
	p.reloads.count(nil)
	p.warn()
	if len(report.NeedsRestart) > 0 {
		p.log.Warn("the configuration was read again, and some of it needs a restart",
			"changed", report.Changed, "needs_restart", report.NeedsRestart)
	} else {
		p.log.Info("the configuration was read again", "changed", report.Changed)
	}
	return report, nil
}

// warn logs what would do better otherwise.
func (p *Program) warn() {
	for _, w := range p.file.Warnings() {
		p.log.Warn("the configuration works, but", "warning", w.Error())
	}
}

// A change is a reload that is prepared: nothing of it can fail any more, unless errs says so.
type change struct {
	p    *Program
	next *configv1.Config
	errs []error

	output   io.Writer
	token    string
	secrets  map[string][sha256.Size]byte
	chains   map[string]*config.BuiltChain
	proxies  map[string]*madeProxy       // new ones
	services map[string]*service.Service // new ones, and those that differ
	removed  []string                    // services

	alsoChanged, alsoWaiting []string // by what the messages do not show
}

// prepare makes all that is to change.
func (p *Program) prepare(loaded *config.File) *change {
	next := proto.CloneOf(loaded.Config())
	c := &change{
		p: p, next: next, chains: map[string]*config.BuiltChain{},
		proxies: map[string]*madeProxy{}, services: map[string]*service.Service{},
	}
	if proto.Size(next) == 0 && proto.Size(p.file.Config()) > 0 {
		c.add(fmt.Errorf("%s: nothing is set, as if a file were half written", strings.Join(loaded.Files(), ", ")))
		return c
	}
	p.complete(next)
	var err error
	if c.output, err = p.log.out.open(next.GetLog().GetOutput()); err != nil {
		c.failed("log.output", err)
	}
	if p.running.GetAdmin() != nil {
		c.token, err = adminTokenOf(next)
		c.add(err)
	}
	if p.server != nil {
		c.prepareServices()
	}
	if p.server != nil && next.GetServer() != nil {
		c.chain(serverChain, next.GetServer(), p.running.GetServer(), transport.ServerEnd)
	}
	if p.nameServer != nil && next.GetNameServer().GetServer() != nil {
		c.chain(namesChain, next.GetNameServer().GetServer(), p.running.GetNameServer().GetServer(), transport.ServerEnd)
	}
	c.prepareProxies()
	c.compareSecrets()
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

// discard gives back what was opened in vain.
func (c *change) discard() {
	if file, ok := c.output.(*os.File); ok && c.output != c.p.opts.stdout && c.output != c.p.opts.stderr {
		_ = file.Close()
	}
	for _, made := range c.proxies {
		_ = made.proxy.Close()
	}
}

// chain makes the chain that is to take the place of another one, around what runs as it did. One that wants what only a
// new process has waits.
func (c *change) chain(path string, next, running chained, end transport.End) {
	built, err := config.Chain(next.GetChain(), c.p.chainEnv(running, path, end))
	switch {
	case err == nil && opensUp(c.p.chains[path].Chain(), built), errors.Is(err, middleware.ErrRestart):
	case err == nil:
		c.chains[path] = built
	default:
		c.add(err)
	}
}

// opensUp tells whether next no longer asks who calls, or what they may call, as before does: a file that was half
// written when it was read must not open a server to everybody.
func opensUp(before, next *config.BuiltChain) bool {
	for _, guard := range []string{"principal", "permission"} {
		if before.Gives(guard) && !next.Gives(guard) {
			return true
		}
	}
	return false
}

// prepareServices makes the services that are new or differ, and finds those that are gone.
func (c *change) prepareServices() {
	before := map[string]*configv1.Service{}
	for _, m := range c.p.running.GetServices() {
		before[m.GetName()] = m
	}
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
		c.services[m.GetName()] = s
	}
	c.removed = slices.Sorted(maps.Keys(before))
}

func (c *change) prepareProxies() {
	for _, name := range slices.Sorted(maps.Keys(c.next.GetProxies())) {
		m := c.next.GetProxies()[name]
		if c.p.running.GetProxies()[name] != nil {
			c.chain(proxyPath(name)+".chain", m, c.p.running.GetProxies()[name], transport.ClientEnd)
			continue
		}
		made, err := c.p.makeProxy(name, m)
		c.add(err)
		if err == nil {
			c.proxies[name] = made
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

// apply does it, under Program.mu.
func (c *change) apply() {
	p := c.p
	p.log.out.use(c.output)
	p.log.level.Set(levelOf(c.next.GetLog().GetLevel()))
	p.running.Log.Level, p.running.Log.Output = c.next.GetLog().GetLevel(), c.next.GetLog().GetOutput()
	p.running.Include, p.running.Client = c.next.GetInclude(), c.next.GetClient()
	if p.running.GetAdmin() != nil && c.next.GetAdmin() != nil {
		p.token.set(c.token)
		p.running.Admin.Token = c.next.GetAdmin().GetToken()
		p.secrets[tokenPath] = c.secrets[tokenPath]
	}
	for _, path := range slices.Sorted(maps.Keys(c.chains)) {
		for _, i := range c.chains[path].OtherSecrets(p.chains[path].Chain()) {
			c.alsoChanged = append(c.alsoChanged, path+"["+strconv.Itoa(i)+"]")
		}
		p.chains[path].Replace(c.chains[path])
	}
	if p.server != nil && c.next.GetServer() != nil {
		c.applyServer(p.running.GetServer(), c.next.GetServer(), serverChain, p.server.SetLimits)
	}
	if p.server != nil {
		c.applyServices()
	}
	if p.nameServer != nil && c.next.GetNameServer().GetServer() != nil {
		c.applyServer(p.running.GetNameServer().GetServer(), c.next.GetNameServer().GetServer(), namesChain, p.nameServer.SetLimits)
	}
	c.applyProxies()
}

// applyServer makes what can change of a server what next says.
func (c *change) applyServer(running, next *configv1.Server, chain string, setLimits func(*configv1.Limits) error) {
	if c.chains[chain] != nil {
		running.Chain = next.GetChain()
	}
	if err := setLimits(next.GetLimits()); err != nil { // the rules of the messages are as strict
		c.p.log.Error("the limits stay as they were", "error", err)
		return
	}
	running.Limits = next.GetLimits()
}

func (c *change) applyServices() {
	p := c.p
	for _, name := range c.removed {
		if s := p.services[name]; s != nil { // nil: it could not be added
			p.server.Remove(s)
		}
		delete(p.services, name)
	}
	for name, s := range c.services {
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
	p.running.Services = c.next.GetServices()
}

func (c *change) applyProxies() {
	p := c.p
	for name, m := range p.running.GetProxies() {
		if c.chains[proxyPath(name)+".chain"] != nil {
			m.Chain = c.next.GetProxies()[name].GetChain()
		}
	}
	for name, made := range c.proxies {
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
}
