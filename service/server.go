package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const defaultDrain = 10 * time.Second

// A Server answers for services, in both dialects on every address. The calls of one connection from Python run
// and are answered one after the other, as on Python's servers. Those of a [Proxy] run at the same time, but for
// objects with an instance for each session ([PerSession]), and so do the calls of different connections: the
// functions of a service must bear that.
type Server struct {
	cfg  serverConfig
	errs []error
	log  *slog.Logger

	calls   callCounts
	health  *Health
	logURIs bool // Start logs where each service is
	uriForm atomic.Pointer[uriForm]

	life sync.Mutex   // held by Start, so that a Shutdown meets all of it or nothing
	wire *pyro.Server // nil until Start has opened the listeners

	mu       sync.RWMutex // guards what follows
	services map[string]*Service
	order    []string
	uris     []pyro.URI // where others see it, with an empty object
	internal pyro.URI   // of the first listener, where it is
	running  bool       // from Start to the end of Shutdown
	keepers  []keeper   // tell others of the services

	serving  sync.WaitGroup // accept loops, and the housekeeping
	failed   chan error     // why an accept loop ended, the first one
	stopping chan struct{}  // closed when Shutdown begins
	stopOnce sync.Once
	ended    chan struct{} // closed when Shutdown is through
	endOnce  sync.Once
	stop     context.CancelFunc
	announc  sync.WaitGroup
	abandon  context.CancelFunc
}

// NewServer returns a Server that listens to nothing yet. It will where [Listen] and [ListenOn] say, else on a
// free port of localhost, which [Server.URI] tells once it has started. What is wrong with its options, Start
// and Run return.
func NewServer(opts ...ServerOption) *Server {
	s := &Server{
		cfg: serverConfig{pb: &configv1.Server{
			Limits:  &configv1.Limits{},
			Streams: &configv1.Streams{},
			Values:  &configv1.Values{},
		}},
		services: map[string]*Service{},
		failed:   make(chan error, 1),
		stopping: make(chan struct{}),
		ended:    make(chan struct{}),
	}
	for _, o := range opts {
		if err := o.applyToServer(&s.cfg); err != nil {
			s.errs = append(s.errs, err)
		}
	}
	s.log = s.cfg.log
	if s.log == nil {
		s.log = slog.Default()
	}
	s.health = &Health{s: s, down: map[string]bool{}}
	s.services[pyro.DaemonObject] = s.daemon()
	if s.isOwn(HealthObject) {
		s.services[HealthObject] = s.health.object()
	}
	return s
}

// Err returns what is wrong with the options, as Start does, or nil. Nothing is opened.
func (s *Server) Err() error { return errors.Join(s.errs...) }

// Add adds services; after Start they are answered for, and announced, at once. Everything
// that is wrong with them comes back as one joined error, and none of them is added then.
//
// An object that is to be called by several names is served by several services.
func (s *Server) Add(services ...*Service) error { return s.add(services, false) }

// Replace is Add for services that may take the place of others of the same name (Pyro's register with
// force). Calls that run go on; connections that stand call the new one from their next call on.
func (s *Server) Replace(services ...*Service) error { return s.add(services, true) }

func (s *Server) add(services []*Service, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for i, svc := range services {
		if err := svc.Err(); err != nil {
			errs = append(errs, err)
		}
		twice := slices.ContainsFunc(services[:i], func(o *Service) bool { return o.name == svc.name })
		if there := s.services[svc.name]; twice || there != nil && (!force || s.isOwn(svc.name)) {
			errs = append(errs, fmt.Errorf("service %s: %w", svc.name, errIDTaken))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, svc := range services {
		s.take(svc.name)
		s.services[svc.name] = svc
		s.order = append(s.order, svc.name)
		if s.running {
			s.publish(svc)
		}
	}
	s.membersChanged()
	return nil
}

// errIDTaken is what Pyro says, too. It goes to callers where a method adds a service.
var errIDTaken = transport.NewError("DaemonError", "an object or class is already registered with that id")

// Remove takes services back: later calls find no such object, and their names are withdrawn. Calls that
// run go on. A service that is not there is passed over.
func (s *Server) Remove(services ...*Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, svc := range services {
		if s.services[svc.name] == svc {
			s.take(svc.name)
		}
	}
	s.membersChanged()
}

// RemoveID is Remove for what is known by an id; it reports whether there was such a service. The
// server's own objects stay.
func (s *Server) RemoveID(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.services[id] == nil || s.isOwn(id) {
		return false
	}
	s.take(id)
	s.membersChanged()
	return true
}

// membersChanged tells who is to know that services came or went, under mu.
func (s *Server) membersChanged() {
	s.tellKeepers()
	s.health.wake()
}

// take takes a service out, if it is there, under mu.
func (s *Server) take(name string) {
	svc := s.services[name]
	if svc == nil {
		return
	}
	delete(s.services, name)
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == name })
	served.remove(svc, s)
}

// publish has a service travel as a proxy, under mu.
func (s *Server) publish(svc *Service) {
	served.add(svc, home{server: s, service: svc})
}

// setRunning publishes all services, or none.
func (s *Server) setRunning(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == on {
		return
	}
	s.running = on
	for _, name := range s.order {
		if on {
			s.publish(s.services[name])
		} else {
			served.remove(s.services[name], s)
		}
	}
}

// Run starts the server and serves until ctx ends; then it withdraws its names, stops accepting, lets
// the calls that run finish within the drain timeout, and closes. It returns nil after a complete
// drain, an error that says how many calls were cut off, or why it could not serve.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Start(); err != nil { //nolint:contextcheck // opening a socket waits for nobody
		return err
	}
	return s.Wait(ctx)
}

// Wait is the rest of [Server.Run] for a server that Start has started: it serves until ctx ends, and so on.
func (s *Server) Wait(ctx context.Context) error {
	var failed error
	select {
	case <-ctx.Done():
	case <-s.ended:
	case failed = <-s.failed:
	}
	drain := defaultDrain
	if d := s.cfg.pb.GetDrainTimeout(); d != nil {
		drain = d.AsDuration()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return errors.Join(failed, s.Shutdown(end))
}

// Start listens and serves in the background until Shutdown. When it has returned nil, URI tells where.
func (s *Server) Start() error {
	s.life.Lock()
	defer s.life.Unlock()
	return s.start(s.listen)
}

// ServeConn serves one connection that is there already, such as one end of a socketpair, without a
// handshake, as Pyro does it with a connected_socket: whoever has the other end calls at once. The dialect is that of
// the first message. ValidateHandshake and the handshakes of middlewares see the text "hello" and no object.
// ServeConn returns when the connection has ended: nil if the other end or Shutdown ended it, the error of
// ctx if that did, which cuts off what runs.
//
// A server that was not started is started so, and listens to nothing; Shutdown ends it as any other.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn) error {
	wire, err := s.wireFor() //nolint:contextcheck // the server outlives the connection
	if err != nil {
		_ = conn.Close()
		return err
	}
	return wire.ServeConn(ctx, conn, pyro.ListenConfig{HMACKey: s.cfg.hmacKey, AllowUnsigned: s.cfg.pb.GetAllowUnsignedPyro5()})
}

// wireFor returns what serves connections, started without listeners if it was not started.
func (s *Server) wireFor() (*pyro.Server, error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.wire == nil {
		if err := s.start(func() ([]listener, error) { return nil, nil }); err != nil {
			return nil, err
		}
	}
	return s.wire, nil
}

// start serves on what listen opens, under life.
func (s *Server) start(listen func() ([]listener, error)) error {
	if err := s.Err(); err != nil {
		return err
	}
	wire, err := s.newWire()
	if err != nil {
		return err
	}
	if s.wire != nil {
		return errors.New("the server was started before")
	}
	listeners, err := listen()
	if err != nil {
		s.forgetURIs()
		return err
	}
	s.wire = wire
	s.setRunning(true)
	for _, u := range s.URIs("") {
		s.log.Debug("listening", "location", u.Location())
	}
	if s.logURIs {
		s.logServed()
	}
	s.health.start() // before anybody can ask
	for _, l := range listeners {
		s.serving.Go(func() {
			if err := wire.Serve(l.Listener, l.cfg); !errors.Is(err, pyro.ErrServerClosed) {
				s.log.Error("a listener failed", "error", err)
				select {
				case s.failed <- err:
				default:
				}
			}
		})
	}
	s.announce()
	return nil
}

func (s *Server) newWire() (*pyro.Server, error) {
	chain := transport.Chain(s.cfg.chain...)
	s.calls.most.Store(int64(s.cfg.pb.GetLimits().GetMaxCalls()))
	return pyro.NewServer(pyro.Handler{
		Handshake: chain.Handshake(s.handshake),
		Call:      s.counted(chain.Call(s.dispatch)),
		Ordered:   s.ordered,
	}, s.wireConfig())
}

func (s *Server) wireConfig() pyro.ServerConfig {
	pb := s.cfg.pb
	linger := pb.GetStreams().GetLinger().AsDuration()
	if pb.GetStreams().GetLinger() != nil && linger == 0 {
		linger = -1
	}
	return pyro.ServerConfig{
		Serializers:      pb.GetSerializers(),
		MaxMessageSize:   pb.GetLimits().GetMaxMessageSize(),
		MaxInflatedSize:  pb.GetLimits().GetMaxInflatedSize(),
		MaxConnections:   int(pb.GetLimits().GetMaxConnections()),
		HandshakeTimeout: duration(pb.GetLimits().GetHandshakeTimeout()),
		IdleTimeout:      duration(pb.GetLimits().GetIdleTimeout()),
		WriteTimeout:     duration(pb.GetLimits().GetWriteTimeout()),
		MaxUnsentSize:    pb.GetLimits().GetMaxUnsentSize(),
		OnewayInOrder:    pb.GetOnewayInOrder(),
		Compress:         pb.GetCompression(),
		Streams: pyro.StreamConfig{
			Disabled: pb.GetStreams().GetDisabled(),
			Lifetime: duration(pb.GetStreams().GetLifetime()),
			Linger:   linger,
			Max:      int(pb.GetLimits().GetMaxStreams()),
		},
		Values:      valueOptions(s.cfg.registry, pb),
		Annotations: s.cfg.annotate,
		Logger:      s.log,
	}
}

func duration(d *durationpb.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.AsDuration()
}

type listener struct {
	net.Listener
	cfg pyro.ListenConfig
}

// listen opens all listeners, or none.
func (s *Server) listen() (all []listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
		}
	}()
	pbs := s.cfg.pb.GetListeners()
	if len(pbs) == 0 && len(s.cfg.listeners) == 0 {
		pbs = []*configv1.Listener{{}}
	}
	for _, pb := range pbs {
		opened, uri, internal, err := s.listenOne(pb)
		if err != nil {
			return all, err
		}
		all = append(all, opened...)
		s.addURI(uri, internal)
	}
	for _, l := range s.cfg.listeners {
		uri, err := pyro.Located("", l.Addr())
		if err != nil { // nothing that a URI could name
			uri = pyro.URI{}
		}
		if net.ParseIP(uri.Host).IsUnspecified() {
			uri.Host = reachableHost("tcp", uri.Host)
		}
		all = append(all, listener{l, pyro.ListenConfig{HMACKey: s.cfg.hmacKey, AllowUnsigned: s.cfg.pb.GetAllowUnsignedPyro5()}})
		s.addURI(uri, uri)
	}
	return all, nil
}

func (s *Server) listenOne(pb *configv1.Listener) (opened []listener, uri, internal pyro.URI, err error) {
	network, address := pb.GetNetwork(), pb.GetAddress()
	if network == "" {
		network = "tcp"
	}
	if address == "" {
		address = net.JoinHostPort(strings.Trim(orText(s.cfg.defaults.host, "localhost"), "[]"), "0")
	}
	if network == "unix" {
		address = pyro.SocketName(address)
		removeStaleSocket(address)
	}
	cfg := pyro.ListenConfig{HMACKey: s.cfg.hmacKey, AllowUnsigned: s.cfg.pb.GetAllowUnsignedPyro5()}
	sockets, err := openSockets(network, address, int(s.cfg.pb.GetPreferIp()))
	if err != nil {
		return nil, uri, internal, &ListenError{Network: network, Address: address, Err: err}
	}
	for _, l := range sockets {
		if s.cfg.tls != nil && !pb.GetNoTls() {
			l = tls.NewListener(l, s.cfg.tls)
		}
		opened = append(opened, listener{l, cfg})
	}
	advertise := pb.GetAdvertise()
	if network != "unix" {
		advertise = orText(advertise, s.cfg.defaults.advertise)
	}
	if internal, err = boundURI(network, address, sockets[0].Addr()); err == nil {
		uri, err = advertisedURI(internal, advertise)
	}
	if err != nil {
		for _, l := range sockets {
			_ = l.Close()
		}
		return nil, uri, internal, err
	}
	return opened, uri, internal, nil
}

func orText(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// A ListenError is why a server cannot listen on an address of [Listen].
type ListenError struct {
	Network, Address string
	Err              error
}

// Error says what was tried, and why it failed.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s %s: %v", e.Network, e.Address, e.Err)
}

// Unwrap returns the system's error.
func (e *ListenError) Unwrap() error { return e.Err }

// openSockets opens what an address stands for: localhost both in IPv4 and, where there is one, in
// IPv6, at the same port, because Python clients try whichever comes first.
func openSockets(network, address string, prefer int) ([]net.Listener, error) {
	lc := &net.ListenConfig{}
	host, _, _ := net.SplitHostPort(address)
	if network == "tcp" && prefer == 6 && host != "" && net.ParseIP(host) == nil {
		if l, err := lc.Listen(context.Background(), "tcp6", address); err == nil {
			return withIPv4(lc, l, host), nil
		}
	}
	first, err := lc.Listen(context.Background(), network, address)
	if err != nil && network == "tcp" && host == "localhost" { // a machine without IPv4
		if l, err := lc.Listen(context.Background(), "tcp6", address); err == nil {
			return []net.Listener{l}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	bound, ok := first.Addr().(*net.TCPAddr)
	if network != "tcp" || host != "localhost" || !ok || bound.IP.To4() == nil {
		return []net.Listener{first}, nil
	}
	second, err := lc.Listen(context.Background(), "tcp6", net.JoinHostPort("::1", strconv.Itoa(bound.Port)))
	if err != nil { // no IPv6, or somebody else has that port: IPv4 is what was asked for first
		return []net.Listener{first}, nil //nolint:nilerr // see above
	}
	return []net.Listener{first, second}, nil
}

// withIPv4 returns an IPv6 listener and for localhost, if its port is free there, that of IPv4.
func withIPv4(lc *net.ListenConfig, first net.Listener, host string) []net.Listener {
	bound, ok := first.Addr().(*net.TCPAddr)
	if host != "localhost" || !ok {
		return []net.Listener{first}
	}
	second, err := lc.Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.Port)))
	if err != nil {
		return []net.Listener{first}
	}
	return []net.Listener{first, second}
}

// removeStaleSocket removes a socket that a killed process left: one that nobody answers on.
func removeStaleSocket(path string) {
	if strings.HasPrefix(path, "@") && runtime.GOOS == "linux" { // an abstract one goes with its process
		return
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", path)
	if err == nil {
		_ = c.Close()
		return
	}
	_ = os.Remove(path)
}

// boundURI is the location that URIs carry unless another one is advertised: the host as it was given, as in Pyro, or an
// address that others can reach where it stands for all of them, and the real port.
func boundURI(network, address string, bound net.Addr) (pyro.URI, error) {
	uri, err := pyro.Located("", bound)
	if err != nil || uri.Socket != "" {
		return uri, err
	}
	if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
		uri.Host = host
	}
	if net.ParseIP(uri.Host).IsUnspecified() {
		uri.Host = reachableHost(network, uri.Host)
	}
	return uri, nil
}

// advertisedURI is the location that URIs carry in the place of one of a socket.
func advertisedURI(uri pyro.URI, advertised string) (pyro.URI, error) {
	if advertised == "" || uri.Socket != "" {
		return uri, nil
	}
	host, port, err := parseAdvertised(advertised)
	if err != nil {
		return uri, err
	}
	uri.Host = host
	if port > 0 {
		uri.Port = port
	}
	return uri, nil
}

// parseAdvertised reads HOST or HOST:PORT; the port is 0 where there is none. An empty text is nobody's wish.
func parseAdvertised(advertised string) (host string, port int, err error) {
	if advertised == "" {
		return "", 0, nil
	}
	wrong := fmt.Errorf("advertised address %q: want HOST or HOST:PORT", advertised)
	if strings.HasSuffix(advertised, "]") || strings.Count(advertised, ":") != 1 && !strings.HasPrefix(advertised, "[") {
		host = strings.Trim(advertised, "[]") // a name, or an IPv6 address, alone
	} else {
		var text string
		if host, text, err = net.SplitHostPort(advertised); err != nil {
			return "", 0, wrong
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return "", 0, wrong
		}
		port = int(n)
	}
	if host == "" || strings.ContainsAny(host, "@/[] \t\r\n") || strings.Contains(host, ":") && !isIPv6(host) {
		return "", 0, wrong
	}
	return host, port, nil
}

// isIPv6 tells whether a host is an IPv6 address, with a zone or without.
func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}

// reachableHost is this machine's address on the way to other networks, for whom listens on all of them: of IPv4 if it
// can be, which a listener for both answers, too, or of IPv6. Without such a way it is one of an interface, at last the
// machine's address for itself.
func reachableHost(network, unspecified string) string {
	v4 := network != "tcp6"
	v6 := network != "tcp4" && net.ParseIP(unspecified).To4() == nil
	if v4 {
		if host := outwardHost("udp4", "192.0.2.1:9"); host != "" {
			return host
		}
	}
	if v6 {
		if host := outwardHost("udp6", "[2001:db8::1]:9"); host != "" {
			return host
		}
	}
	if v4 {
		return "127.0.0.1"
	}
	return "::1"
}

// outwardHost is this machine's address on the way to far, else one of an interface; empty if it has none of this kind.
func outwardHost(network, far string) string {
	c, err := (&net.Dialer{}).DialContext(context.Background(), network, far) // asks for a route; nothing is sent
	if err == nil {
		defer c.Close()
		if local, ok := c.LocalAddr().(*net.UDPAddr); ok {
			return local.IP.String()
		}
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && (ip.IP.To4() == nil) == (network == "udp6") {
			return ip.IP.String()
		}
	}
	return ""
}

func (s *Server) forgetURIs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uris = nil
}

func (s *Server) addURI(u, internal pyro.URI) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Protocol, internal.Protocol = pyro.ProtocolPyro, pyro.ProtocolPyro
	if len(s.uris) == 0 {
		s.internal = internal
	}
	s.uris = append(s.uris, u)
}

// URI returns the URI of the object name on the server's first listener. It is complete once Start has
// returned.
func (s *Server) URI(name string) pyro.URI {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.uri(name)
}

// uri is URI under mu.
func (s *Server) uri(name string) pyro.URI {
	if len(s.uris) == 0 {
		return pyro.URI{Protocol: pyro.ProtocolPyro, Object: name}
	}
	u := s.uris[0]
	u.Object = name
	return u
}

// InternalURI returns the URI of the object name where the server's first listener is, whatever [Advertise] says that
// others see.
func (s *Server) InternalURI(name string) pyro.URI {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.internal
	u.Protocol, u.Object = pyro.ProtocolPyro, name
	return u
}

// URIs returns the URIs of the object name, one for each listener.
func (s *Server) URIs(name string) []pyro.URI {
	s.mu.RLock()
	defer s.mu.RUnlock()
	uris := slices.Clone(s.uris)
	for i := range uris {
		uris[i].Object = name
	}
	return uris
}

// Shutdown tells who watches the server's health, withdraws the names, stops accepting, lets the calls that run finish
// and closes. It accepts calls until those who watch have taken note, for two seconds at most. Clients of this toolkit send
// calls that come too late again by themselves, on a new connection; for that it waits 100 ms more for those that are idle.
// A client from Python loses a call that arrives after its connection was closed. When ctx ends
// first, names stay that could not be withdrawn by then, what still runs is cut off, and the error says how many calls
// that were.
func (s *Server) Shutdown(ctx context.Context) error {
	s.life.Lock()
	wire := s.wire
	s.life.Unlock()
	if wire == nil {
		return nil
	}
	s.stopOnce.Do(func() { close(s.stopping) })
	s.health.leave()
	s.withdraw(ctx)
	s.health.partFrom(ctx)
	err := wire.Shutdown(ctx)
	s.serving.Wait()
	s.health.wait(ctx)
	s.setRunning(false)
	s.endOnce.Do(func() { close(s.ended) })
	return err
}

// Stopping returns a channel that is closed when a Shutdown of the server begins, Run's included. Methods and iterators
// that wait for what may not come for long end with it: Shutdown would wait for them.
func (s *Server) Stopping() <-chan struct{} { return s.stopping }

// Failed returns a channel that gets an error when a listener has failed for good, so that nobody can connect there any more. It
// is for who calls Start and Shutdown: Wait, and so Run, take the error themselves, and end.
func (s *Server) Failed() <-chan error { return s.failed }

// Done returns a channel that is closed when a Shutdown of the server is through, Run's included.
func (s *Server) Done() <-chan struct{} { return s.ended }

// ServerFrom returns the server that answers the call which a method runs for with ctx (Pyro's _pyroDaemon), so that
// it can add and remove services; nil if ctx is of no call.
func ServerFrom(ctx context.Context) *Server {
	if info := transport.FromContext(ctx); info != nil {
		s, _ := info.Server.(*Server)
		return s
	}
	return nil
}

// ServiceFrom returns the service that a method of which runs with ctx, whose name is the object's id (Pyro's
// _pyroId); nil if ctx is of no call.
func ServiceFrom(ctx context.Context) *Service { //nolint:revive // From alone would not say what
	if info := transport.FromContext(ctx); info != nil {
		s, _ := info.Service.(*Service)
		return s
	}
	return nil
}

func (s *Server) service(name string) *Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.services[name]
}

// dispatch is the innermost part of the chain: it finds the member and calls it.
func (s *Server) dispatch(ctx context.Context, call *transport.Call) (reply *transport.Reply, err error) {
	if call.Fetch != nil {
		return call.Fetch(ctx)
	}
	svc := s.service(call.Object)
	if svc == nil {
		return nil, transport.NewError("DaemonError", "unknown object")
	}
	info := transport.FromContext(ctx)
	if info != nil {
		info.Server, info.Service = s, svc
		info.Direct = s.isDirect(call)
	}
	switch call.Kind {
	case transport.GetAttr, transport.SetAttr:
		return svc.attribute(ctx, call, s.cfg.pb.GetDetailedTraceback())
	default:
		m, err := svc.method(call.Method)
		if err != nil {
			return nil, err
		}
		reply, err := m.guard(s.cfg.pb.GetDetailedTraceback(), call, func() (*transport.Reply, error) { return m.call(ctx, call) })
		if info != nil {
			info.Unseen = len(s.cfg.chain) == 0 && (info.Unseen || !m.seesCall())
		}
		if err != nil && m.callback {
			s.logCallback(call, err)
		}
		return reply, err
	}
}

// ordered tells the objects that keep a state for each connection, or whose one-way calls keep their turn.
func (s *Server) ordered(object string) bool {
	if s.cfg.pb.GetOnewayInOrder() {
		return true
	}
	svc := s.service(object)
	return svc != nil && svc.instances != nil && svc.instances.mode == perSession
}

// method finds a method, or says why not in Pyro's words.
func (s *Service) method(name string) (*method, error) {
	have := s.members.Load()
	if m := have.methods[name]; m != nil {
		return m, nil
	}
	switch {
	case isPrivate(name):
		return nil, noSuchMember("attempt to access private attribute '" + name + "'")
	case have.attrs[name] != nil:
		return nil, noSuchMember("attempt to access unexposed attribute '" + name + "'")
	default:
		return nil, noSuchMember("'" + s.typeName() + "' object has no attribute '" + name + "'")
	}
}

func noSuchMember(text string) error {
	e := transport.NewError("AttributeError", text)
	e.NoSuchMember, e.Code = true, transport.CodeNotFound
	return e
}

func (s *Service) attribute(ctx context.Context, call *transport.Call, detailed bool) (*transport.Reply, error) {
	name := call.Method
	have := s.members.Load()
	p := have.attrs[name]
	switch {
	case isPrivate(name):
		return nil, noSuchMember("attempt to access private attribute '" + name + "'")
	case p == nil && have.methods[name] == nil:
		return nil, noSuchMember("type object '" + s.typeName() + "' has no attribute '" + name + "'")
	case p == nil, call.Kind == transport.SetAttr && p.set == nil:
		return nil, noSuchMember("attempt to access unexposed or unknown remote attribute '" + name + "'")
	}
	if call.Kind == transport.GetAttr {
		return p.get.guard(detailed, call, func() (*transport.Reply, error) { return p.read(ctx, call) })
	}
	return p.set.guard(detailed, call, func() (*transport.Reply, error) { return p.write(ctx, call) })
}
