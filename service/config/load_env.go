package config

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/internal/configtree"
	"github.com/pyrokit/pyrokit/internal/pyroenv"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
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

// number sets a field to a number, or a bool.
func (e *environ) number(item, path string, value any) {
	e.put(item, path, &configtree.Node{Kind: configtree.Plain, Text: fmt.Sprint(value)})
}

func (e *environ) list(item, path string, values []string) {
	n := &configtree.Node{Kind: configtree.List}
	for _, v := range values {
		n.Children = append(n.Children, &configtree.Node{Kind: configtree.String, Text: v})
	}
	e.put(item, path, n)
}

// wrongf notes that the value of an item makes no sense.
func (e *environ) wrongf(item, format string, args ...any) {
	e.l.add(&Error{File: variableSource(item), Msg: fmt.Sprintf(format, args...)})
}

// These set a field if the item is set.

func (e *environ) textIf(item, path string) {
	if s := e.Text(item); s != "" {
		e.text(item, path, s)
	}
}

func (e *environ) boolIf(item, path string, inverted bool) {
	if v, set := e.Bool(item); set {
		e.number(item, path, v != inverted)
	}
}

func (e *environ) intIf(item, path string) {
	if v, set := e.Int(item); set {
		e.number(item, path, v)
	}
}

func (e *environ) secondsIf(item, path string) {
	if d, set := e.Seconds(item); set {
		e.text(item, path, d.String())
	}
}

// pythonLevels are the levels of Python's logging, by the names here.
var pythonLevels = map[string]string{
	"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "WARN": "warn", "ERROR": "error", "CRITICAL": "error", "FATAL": "error",
}

func (e *environ) log() {
	if name := e.Text("LOGLEVEL"); name != "" {
		level, known := pythonLevels[strings.ToUpper(name)]
		if !known {
			e.wrongf("LOGLEVEL", "want DEBUG, INFO, WARNING, ERROR or CRITICAL, found %s", quote(name))
			return
		}
		e.text("LOGLEVEL", "log.level", level)
	}
	if path := e.Text("LOGFILE"); path != "" {
		e.text("LOGFILE", "log.output", strings.Trim(path, "{}")) // {stderr} is Pyro's word
	}
}

// both sets what servers and proxies share.
func (e *environ) both(path string) {
	e.boolIf("COMPRESSION", path+".compression", false)
	e.boolIf("SERPENT_BYTES_REPR", path+".values.bytes_repr", false)
	if n, set := e.Int("MAX_MESSAGE_SIZE"); set {
		if n == 0 { // no limit, in Pyro4
			n = 1 << 40
		}
		e.number("MAX_MESSAGE_SIZE", path+".limits.max_message_size", n)
	}
	if version, set := e.Int("PREFER_IP_VERSION"); set {
		e.number("PREFER_IP_VERSION", path+".prefer_ip", version)
	}
	if version, set := e.Int("PICKLE_PROTOCOL_VERSION"); set {
		if version < 0 { // the highest, in Python
			version = math.MaxInt32
		}
		e.number("PICKLE_PROTOCOL_VERSION", path+".values.pickle_protocol", max(2, min(version, 5)))
	}
}

// server sets what is for a server. host and port are the items that say where it listens if the configuration does
// not.
func (e *environ) server(path, host, port string) {
	e.both(path)
	e.listeners(path, host, port)
	if d, _ := e.Seconds("COMMTIMEOUT"); d != 0 {
		e.text("COMMTIMEOUT", path+".limits.idle_timeout", d.String())
	}
	e.boolIf("DETAILED_TRACEBACK", path+".detailed_traceback", false)
	e.boolIf("ITER_STREAMING", path+".streams.disabled", true)
	e.secondsIf("ITER_STREAM_LIFETIME", path+".streams.lifetime")
	if d, set := e.Seconds("ITER_STREAM_LINGER"); set {
		e.text("ITER_STREAM_LINGER", path+".streams.linger", max(0, d).String()) // what is not positive means at once
	}
	e.boolIf("ONEWAY_THREADED", path+".oneway_in_order", true)
	e.intIf("THREADPOOL_SIZE", path+".limits.max_connections")
	if names := e.List("SERIALIZERS_ACCEPTED"); names != nil {
		e.list("SERIALIZERS_ACCEPTED", path+".serializers", names)
	}
	e.tls(path+".tls", "SERVER")
}

// listeners gives an address to the listeners that have none.
func (e *environ) listeners(path, hostItem, portItem string) {
	server := e.l.config.GetServer()
	if portItem != "" {
		server = e.l.config.GetNameServer().GetServer()
	}
	address, item := e.address(hostItem, portItem)
	advertise := e.advertise()
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
	port, hasPort := int64(0), false
	item = hostItem
	if portItem != "" {
		port, hasPort = e.Int(portItem)
		if !hasPort {
			port = 9090
		}
	}
	if host == "" {
		if !hasPort {
			return "", ""
		}
		item = portItem
	}
	return net.JoinHostPort(strings.Trim(cmp.Or(host, "localhost"), "[]"), strconv.FormatInt(port, 10)), item
}

// advertise is what URIs carry, for NAT.
func (e *environ) advertise() string {
	host := e.Text("NATHOST")
	port, _ := e.Int("NATPORT")
	switch {
	case host == "" && port != 0:
		e.wrongf("NATPORT", "needs PYRO_NATHOST")
		return ""
	case port == 0:
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.FormatInt(port, 10))
}

// nameServer sets what is for a name server alone.
func (e *environ) nameServer() {
	e.secondsIf("NS_AUTOCLEAN", "name_server.autoclean")
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
		port = 9091
	}
	e.text(item, "name_server.broadcast.address", net.JoinHostPort(strings.Trim(host, "[]"), strconv.FormatInt(port, 10)))
}

// proxy sets what is for a proxy.
func (e *environ) proxy(m *configv1.Proxy, path string) {
	e.both(path)
	if d, _ := e.Seconds("COMMTIMEOUT"); d != 0 {
		e.text("COMMTIMEOUT", path+".timeout", d.String())
		e.text("COMMTIMEOUT", path+".connect_timeout", d.String())
	}
	e.textIf("SERIALIZER", path+".serializer")
	e.boolIf("METADATA", path+".no_metadata", true)
	e.intIf("MAX_RETRIES", path+".max_retries")
	e.secondsIf("NS_LOOKUP_DELAY", path+".lookup_delay")
	e.broadcastLookup(m.GetBroadcastLookup(), path+".broadcast_lookup")
	e.tls(path+".tls", "CLIENT")
}

// broadcastLookup says where the network is asked, if it is and nothing else does.
func (e *environ) broadcastLookup(m *configv1.BroadcastLookup, path string) {
	if m == nil {
		return
	}
	if m.GetPort() == 0 {
		e.intIf("NS_BCPORT", path+".port")
	}
	addresses := slices.DeleteFunc(e.List("BROADCAST_ADDRS"), func(a string) bool { return a == "''" }) // Pyro's word for none
	if len(m.GetAddresses()) == 0 && len(addresses) > 0 {
		e.list("BROADCAST_ADDRS", path+".addresses", addresses)
	}
}

// tls sets TLS, where the SSL items switch it on.
func (e *environ) tls(path, end string) {
	if on, _ := e.Bool("SSL"); !on {
		return
	}
	e.textIf("SSL_"+end+"CERT", path+".cert")
	e.textIf("SSL_"+end+"KEY", path+".key")
	if ca := e.Text("SSL_CACERTS"); ca != "" {
		e.list("SSL_CACERTS", path+".ca", []string{ca})
	}
	if e.Text("SSL_"+end+"KEYPASSWD") != "" {
		e.text("SSL_"+end+"KEYPASSWD", path+".key_password.env", "PYRO_SSL_"+end+"KEYPASSWD")
	}
	if end == "SERVER" {
		e.boolIf("SSL_REQUIRECLIENTCERT", path+".require_client_cert", false)
		return
	}
	e.put("SSL", path, &configtree.Node{Kind: configtree.Map}) // with none of them, TLS all the same
	e.number("SSL", path+".system_roots", true)                // as Python's default contexts have it
}
