package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/internal/configtree"
	"github.com/pyrokit/pyrokit/internal/pyroenv"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// environment sets what variables of Pyro's users say: what service.FromEnv does for code. They count more than
// files, but what is made by default for listeners and name servers does not replace an address that is written there. A
// server, name server or proxy that is not there is not made by them.
func (l *loader) environment() {
	e := &environ{l: l}
	for _, item := range pyroenv.Items {
		if _, err := pyroenv.Read(l.only(item.Variable())); err != nil {
			l.add(&Error{File: variableSource(item.Name), Msg: err.Error(), cause: err})
		}
	}
	values, err := pyroenv.Read(l.notEmpty)
	if err != nil {
		return // said above
	}
	e.Values = values
	e.log()
	if l.config.GetServer() != nil || len(l.config.GetServices()) > 0 {
		e.server("server", "HOST", "")
	}
	if l.config.GetNameServer() != nil {
		e.server("name_server.server", "NS_HOST", "NS_PORT")
		e.nameServer()
	}
	for _, name := range sortedKeys(l.config.GetProxies()) {
		e.proxy(l.config.GetProxies()[name], keyPath("proxies", name))
	}
}

// notEmpty looks a variable up; one that is empty is not set: so can a shell take one back.
func (l *loader) notEmpty(name string) (string, bool) {
	value, set := l.cfg.lookup(name)
	return value, set && value != ""
}

// only looks one variable up, and no other.
func (l *loader) only(variable string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name != variable {
			return "", false
		}
		return l.notEmpty(name)
	}
}

func variableSource(item string) string { return "environment PYRO_" + item }

// An environ puts the values of items into fields.
type environ struct {
	*pyroenv.Values

	l *loader
}

// put sets a field.
func (e *environ) put(item, path string, value *configtree.Node) {
	b := e.l.binder(variableSource(item), configtree.YAML)
	b.expand = nil
	b.set(e.l.config.ProtoReflect(), path, value)
}

func (e *environ) text(item, path, value string) {
	e.put(item, path, &configtree.Node{Kind: configtree.String, Text: value})
}

// field sets a field of the message at path.
func (e *environ) field(path string, f pyroenv.Field) {
	n := &configtree.Node{Kind: configtree.Plain, Text: fmt.Sprint(f.Value)}
	switch v := f.Value.(type) {
	case string, time.Duration:
		n.Kind = configtree.String
	case []string:
		n = &configtree.Node{Kind: configtree.List}
		for _, s := range v {
			n.Children = append(n.Children, &configtree.Node{Kind: configtree.String, Text: s})
		}
	}
	e.put(f.Item, path+"."+f.Path, n)
}

// wrongf notes that the value of an item makes no sense.
func (e *environ) wrongf(item, format string, args ...any) {
	e.l.add(&Error{File: variableSource(item), Msg: fmt.Sprintf(format, args...)})
}

func (e *environ) log() {
	level, set, err := e.LogLevel()
	if err != nil {
		e.wrongf("LOGLEVEL", "%v, found %s", err, quote(e.Text("LOGLEVEL")))
		return
	}
	if set {
		e.text("LOGLEVEL", "log.level", strings.ToLower(level.String()))
	}
	if path := e.Text("LOGFILE"); path != "" {
		e.text("LOGFILE", "log.output", strings.Trim(path, "{}")) // {stderr} is Pyro's word
	}
}

// server sets what is for a server. host and port are the items that say where it listens if the configuration does
// not.
func (e *environ) server(path, host, port string) {
	e.listeners(path, host, port)
	for _, f := range e.Server() {
		e.field(path, f)
	}
	e.tls(path+".tls", pyroenv.ServerEnd)
}

// listeners gives an address to the listeners that have none.
func (e *environ) listeners(path, hostItem, portItem string) {
	server := e.l.config.GetServer()
	if portItem != "" {
		server = e.l.config.GetNameServer().GetServer()
	}
	address, item := e.address(hostItem, portItem)
	advertise, err := e.Advertise()
	if err != nil {
		e.wrongf("NATPORT", "%v", err)
	}
	list := server.GetListeners()
	if len(list) == 0 && (address != "" || advertise != "") {
		e.listener(path+".listeners[0]", item, address, advertise)
	}
	for i, listener := range list {
		at := fmt.Sprintf("%s.listeners[%d]", path, i)
		host, given := address, advertise
		if listener.GetAddress() != "" || listener.GetNetwork() == "unix" {
			host = ""
		}
		if listener.GetAdvertise() != "" || listener.GetNetwork() == "unix" {
			given = ""
		}
		e.listener(at, item, host, given)
	}
}

// listener sets what is not empty.
func (e *environ) listener(path, item, address, advertise string) {
	if address != "" {
		e.text(item, path+".address", address)
	}
	if advertise != "" {
		e.text("NATHOST", path+".advertise", advertise)
	}
}

// address is where to listen, and the item that says so.
func (e *environ) address(hostItem, portItem string) (address, item string) {
	host := e.Text(hostItem)
	if portItem == "" {
		if host == "" {
			return "", ""
		}
		return pyroenv.HostPort(host, 0), hostItem
	}
	port, hasPort := e.Int(portItem)
	switch {
	case host == "" && !hasPort:
		return "", ""
	case host == "":
		host, hostItem = "localhost", portItem
	case !hasPort:
		port = pyro.DefaultNSPort
	}
	return pyroenv.HostPort(host, port), hostItem
}

// nameServer sets what is for a name server alone.
func (e *environ) nameServer() {
	if d, set := e.Seconds("NS_AUTOCLEAN"); set {
		e.text("NS_AUTOCLEAN", "name_server.autoclean", d.String())
	}
	host := e.Text("NS_BCHOST")
	port, hasPort := e.Int("NS_BCPORT")
	if host == "" && !hasPort {
		return
	}
	item := "NS_BCHOST"
	if host == "" {
		item = "NS_BCPORT"
	}
	if !hasPort {
		port = nameserver.DefaultBroadcastPort
	}
	e.text(item, "name_server.broadcast.address", pyroenv.HostPort(host, port))
}

// proxy sets what is for a proxy.
func (e *environ) proxy(m *configv1.Proxy, path string) {
	for _, f := range e.Proxy() {
		e.field(path, f)
	}
	e.broadcastLookup(m.GetBroadcastLookup(), path+".broadcast_lookup")
	e.tls(path+".tls", pyroenv.ClientEnd)
}

// broadcastLookup says where the network is asked, if it is and nothing else does.
func (e *environ) broadcastLookup(m *configv1.BroadcastLookup, path string) {
	if m == nil {
		return
	}
	if port, set := e.Int("NS_BCPORT"); set && m.GetPort() == 0 {
		e.field(path, pyroenv.Field{Item: "NS_BCPORT", Path: "port", Value: port})
	}
	if addresses := e.BroadcastAddresses(); len(m.GetAddresses()) == 0 && len(addresses) > 0 {
		e.field(path, pyroenv.Field{Item: "BROADCAST_ADDRS", Path: "addresses", Value: addresses})
	}
}

// tls sets TLS, where the SSL items switch it on.
func (e *environ) tls(path, end string) {
	cfg, on := e.TLS(end)
	if !on {
		return
	}
	e.put("SSL", path, &configtree.Node{Kind: configtree.Map}) // with nothing else set, TLS all the same
	set := func(item, field string, value any) {
		e.field(path, pyroenv.Field{Item: item, Path: field, Value: value})
	}
	if cfg.Cert != "" {
		set("SSL_"+end+"CERT", "cert", cfg.Cert)
	}
	if cfg.Key != "" {
		set("SSL_"+end+"KEY", "key", cfg.Key)
	}
	if cfg.Password != nil {
		set("SSL_"+end+"KEYPASSWD", "key_password.env", "PYRO_SSL_"+end+"KEYPASSWD")
	}
	if len(cfg.CAs) > 0 {
		set("SSL_CACERTS", "ca", cfg.CAs)
	}
	if require, said := e.Bool("SSL_REQUIRECLIENTCERT"); said && end == pyroenv.ServerEnd {
		set("SSL_REQUIRECLIENTCERT", "require_client_cert", require)
	}
	if cfg.SystemRoots {
		set("SSL", "system_roots", true)
	}
}
