package service

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/transport/pyro"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// FromEnv returns what the environment says with the variables that Pyro's users know, such as PYRO_HOST and
// PYRO_COMMTIMEOUT, as one option for servers and proxies. lookup is os.LookupEnv, or what takes its place.
// Given first, it stands behind the options that code gives after it:
//
//	env, err := service.FromEnv(os.LookupEnv)
//	...
//	srv := service.NewServer(env, service.Listen("tcp", "0.0.0.0:4242"))
//
// Each item that means something here is read; docs/configuration.md lists them all, with the option that
// does the same. Values are read as Pyro reads them; the error names the variables whose values make no
// sense. Variables of other names are left alone.
func FromEnv(lookup func(name string) (string, bool)) (Option, error) {
	v, err := pyroenv.Read(lookup)
	env := &environment{Values: v}
	env.both()
	env.ofServers()
	env.ofProxies()
	return env.option(), errors.Join(append([]error{err}, env.errs...)...)
}

// An environment turns items into options.
type environment struct {
	*pyroenv.Values

	server []ServerOption
	proxy  []ProxyOption
	errs   []error
}

func (e *environment) option() Option {
	return bothOption{
		func(c *serverConfig) error {
			var errs []error
			for _, o := range e.server {
				errs = append(errs, o.applyToServer(c))
			}
			return errors.Join(errs...)
		},
		func(c *proxyConfig) error {
			var errs []error
			for _, o := range e.proxy {
				errs = append(errs, o.applyToProxy(c))
			}
			return errors.Join(errs...)
		},
	}
}

func (e *environment) add(options ...Option) {
	for _, o := range options {
		e.server, e.proxy = append(e.server, o), append(e.proxy, o)
	}
}

// wrongf notes that an item's value makes no sense.
func (e *environment) wrongf(name string, value any, format string, args ...any) {
	e.errs = append(e.errs, pyroenv.Wrongf(name, value, format, args...))
}

// number returns the value of an item that has to be between low and high.
func (e *environment) number(name string, low, high int64) (n int, set bool) {
	value, set := e.Int(name)
	if set && (value < low || value > high) {
		e.wrongf(name, value, "want a number from %d to %d", low, high)
		return 0, false
	}
	return int(value), set
}

// on tells a switch that is set to on; off one that is set to off.
func (e *environment) on(name string) bool {
	value, set := e.Bool(name)
	return set && value
}

func (e *environment) off(name string) bool {
	value, set := e.Bool(name)
	return set && !value
}

// unlimited is what Pyro4's MAX_MESSAGE_SIZE of 0 means: more than a header can say.
const unlimited = 1 << 40

// both reads what is for both ends.
func (e *environment) both() {
	if e.on("COMPRESSION") {
		e.add(Compression())
	}
	if e.on("SERPENT_BYTES_REPR") {
		e.add(BytesRepr())
	}
	if n, set := e.Int("MAX_MESSAGE_SIZE"); set {
		switch {
		case n < 0:
			e.wrongf("MAX_MESSAGE_SIZE", n, "must not be negative")
		case n == 0:
			e.add(MaxMessageSize(unlimited))
		default:
			e.add(MaxMessageSize(n))
		}
	}
	if n, set := e.Int("PREFER_IP_VERSION"); set {
		if n != 0 && n != 4 && n != 6 {
			e.wrongf("PREFER_IP_VERSION", n, "want 4, 6 or 0")
		} else {
			e.add(PreferIP(int(n)))
		}
	}
	e.pickle("PICKLE_PROTOCOL_VERSION")
	e.timeout()
	e.tls()
}

// pickle reads a version of pickle; a negative one means the highest, as in Python.
func (e *environment) pickle(name string) {
	const highest = 5
	n, set := e.number(name, -1, highest)
	switch {
	case !set:
	case n < 0:
		e.add(PickleProtocol(highest))
	case n < 2: // nobody reads those only
		e.add(PickleProtocol(2))
	default:
		e.add(PickleProtocol(n))
	}
}

// timeout reads COMMTIMEOUT, which limits a proxy's waiting and a connection's idleness on a server.
func (e *environment) timeout() {
	d, set := e.seconds("COMMTIMEOUT")
	if set && d > 0 {
		e.proxy = append(e.proxy, Timeout(d), ConnectTimeout(d))
		e.server = append(e.server, IdleTimeout(d))
	}
}

// seconds returns the value of an item that must not be negative.
func (e *environment) seconds(name string) (d time.Duration, set bool) {
	d, set = e.Seconds(name)
	if set && d < 0 {
		e.wrongf(name, d.Seconds(), "must not be negative")
		return 0, false
	}
	return d, set
}

// ofServers reads what is for servers.
func (e *environment) ofServers() {
	add := func(o ServerOption) { e.server = append(e.server, o) }
	host := e.Text("HOST")
	natHost := e.Text("NATHOST")
	natPort, hasPort := e.number("NATPORT", 0, 65535)
	if natHost == "" && hasPort && natPort != 0 {
		e.wrongf("NATPORT", natPort, "needs PYRO_NATHOST")
	}
	add(serverOption(func(c *serverConfig) error {
		c.defaults = listenDefaults{host: host, advertise: natHost}
		if natHost != "" && natPort != 0 {
			c.defaults.advertise = net.JoinHostPort(strings.Trim(natHost, "[]"), strconv.Itoa(natPort))
		}
		return nil
	}))
	if e.on("DETAILED_TRACEBACK") {
		add(DetailedTraceback())
	}
	if e.off("ITER_STREAMING") {
		add(NoStreams())
	}
	if d, set := e.seconds("ITER_STREAM_LIFETIME"); set {
		add(StreamLifetime(d))
	}
	if d, set := e.Seconds("ITER_STREAM_LINGER"); set {
		add(StreamLinger(max(0, d))) // at once, as Pyro has it for what is not positive
	}
	if e.off("ONEWAY_THREADED") {
		add(OnewayInOrder())
	}
	if n, set := e.number("THREADPOOL_SIZE", 1, 1<<24); set {
		add(MaxConnections(n))
	}
	if names := e.List("SERIALIZERS_ACCEPTED"); names != nil {
		e.checkSerializers("SERIALIZERS_ACCEPTED", names)
		add(Serializers(names...))
	}
}

func (e *environment) checkSerializers(item string, names []string) {
	for _, name := range names {
		if err := pyro.CheckSerializer(name); err != nil {
			e.wrongf(item, strings.Join(names, ","), "%v", err)
		}
	}
}

// ofProxies reads what is for proxies.
func (e *environment) ofProxies() {
	add := func(o ProxyOption) { e.proxy = append(e.proxy, o) }
	if name := e.Text("SERIALIZER"); name != "" {
		e.checkSerializers("SERIALIZER", []string{name})
		add(Serializer(name))
	}
	if e.off("METADATA") {
		add(NoMetadata())
	}
	if n, set := e.number("MAX_RETRIES", 0, 1<<31-1); set {
		add(MaxRetries(n))
	}
	if d, set := e.seconds("NS_LOOKUP_DELAY"); set {
		add(LookupDelay(d))
	}
	host := e.Text("NS_HOST")
	port, hasPort := e.number("NS_PORT", 1, 65535)
	if host != "" || hasPort {
		add(NameServers(nameServerLocation(host, port)))
	}
	bcPort, hasBC := e.number("NS_BCPORT", 1, 65535)
	addresses := broadcastAddresses(e.List("BROADCAST_ADDRS"))
	if hasBC || addresses != nil {
		add(proxyOption(func(c *proxyConfig) error {
			c.broadcastDefaults = broadcastConfig{bcPort, addresses}
			return nil
		}))
	}
}

// nameServerLocation is where NS_HOST and NS_PORT say that the name server is; "" and 0 are the defaults.
func nameServerLocation(host string, port int) string {
	switch {
	case strings.HasPrefix(host, "./u:"):
		return host
	case host == "":
		host = "localhost"
	}
	if port == 0 {
		port = pyro.DefaultNSPort
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}

// broadcastAddresses leaves out what Pyro takes for this machine alone.
func broadcastAddresses(list []string) []string {
	var addresses []string
	for _, a := range list {
		if a != "''" {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// tls reads the SSL items.
func (e *environment) tls() {
	if !e.on("SSL") {
		return
	}
	e.server = append(e.server, serverOption(func(c *serverConfig) error {
		files, err := tlsfiles.New(e.tlsConfig("SERVER"))
		if err != nil {
			return fmt.Errorf("PYRO_SSL: %w", err)
		}
		cfg, err := files.Server()
		if err != nil {
			return fmt.Errorf("PYRO_SSL: %w", err)
		}
		c.tls = cfg
		return nil
	}))
	e.proxy = append(e.proxy, proxyOption(func(c *proxyConfig) error {
		files, err := tlsfiles.New(e.tlsConfig("CLIENT"))
		if err != nil {
			return fmt.Errorf("PYRO_SSL: %w", err)
		}
		c.defaultDialer = func(prefer int) dialFunc {
			return files.Dialer((&pyro.Dialer{Prefer: prefer}).DialContext)
		}
		return nil
	}))
}

// tlsConfig is what the SSL items say of one end.
func (e *environment) tlsConfig(end string) tlsfiles.Config {
	cfg := tlsfiles.Config{
		Cert:              e.Text("SSL_" + end + "CERT"),
		Key:               e.Text("SSL_" + end + "KEY"),
		RequireClientCert: end == "SERVER" && e.on("SSL_REQUIRECLIENTCERT"),
		SystemRoots:       end == "CLIENT", // as Python's default contexts have it
	}
	if ca := e.Text("SSL_CACERTS"); ca != "" {
		cfg.CAs = []string{ca}
	}
	if password := e.Text("SSL_" + end + "KEYPASSWD"); password != "" {
		cfg.Password = func() (string, error) { return password, nil }
	}
	return cfg
}
