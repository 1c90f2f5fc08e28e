package config

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// serverName is the message whose chain is a server's; all others are of what connects.
var serverName = (&configv1.Server{}).ProtoReflect().Descriptor().FullName()

// checkChains makes each chain once, to find what is wrong with it before anything is built: settings that do not go
// together, and middlewares where they are of no use. Secrets are not read.
func (f *File) checkChains() error {
	var errs []error
	for _, one := range f.chains(unread) {
		if one.err != nil {
			errs = append(errs, one.err)
			continue
		}
		for _, warning := range one.made.Warnings() {
			f.warn(warning)
		}
	}
	f.checkCertificates("server", f.config.GetServer())
	f.checkCertificates("name_server.server", f.config.GetNameServer().GetServer())
	return f.Locate(errors.Join(errs...))
}

// A madeChain is a chain, or why there is none.
type madeChain struct {
	made *BuiltChain
	err  error
}

// chains makes each chain, with what secret reads.
func (f *File) chains(secret func(*configv1.Secret) (string, error)) []madeChain {
	var all []madeChain
	eachChain(f.config.ProtoReflect(), "", func(chain *configv1.Chain, end transport.End, path string) {
		env := Env{Path: path, Registry: f.registry, Metrics: prometheus.NewRegistry(), Tracing: noop.NewTracerProvider()}
		env.End = end
		env.Secret = secret
		made, err := Chain(chain, env)
		all = append(all, madeChain{made, err})
	})
	return all
}

// warn adds to what would do better otherwise.
func (f *File) warn(warning *FieldError) {
	located := &collector{}
	f.locate(located, warning)
	f.warnings = append(f.warnings, located.list...)
}

// checkCertificates warns where clients are known by certificates that nobody asks them for.
func (f *File) checkCertificates(path string, m *configv1.Server) {
	if tls := m.GetTls(); tls.GetRequireClientCert() || tls.GetRequestClientCert() || tls.GetPeer() != nil {
		return
	}
	for i, one := range m.GetChain().GetMiddlewares() {
		if wantsCertificate(one) {
			f.warn(&FieldError{Path: path + ".chain[" + strconv.Itoa(i) + "]", Err: errNoCertificates})
		}
	}
}

var errNoCertificates = errors.New("clients are asked for no certificate: " +
	"set require_client_cert or request_client_cert of the server's tls")

// wantsCertificate tells whether a middleware knows clients by their certificates.
func wantsCertificate(m *configv1.Middleware) bool {
	content, err := m.GetConfig().UnmarshalNew()
	if err != nil {
		return false // a middleware of somebody else
	}
	switch content := content.(type) {
	case *configv1.CertificateAuth:
		return true
	case *configv1.AnyAuth:
		return slices.ContainsFunc(content.GetMethods(), func(way *configv1.AuthMethod) bool { return way.GetCertificate() != nil })
	default:
		return false
	}
}

// checkPlaces checks what no rule in the .proto files says of addresses that are listened on.
func (f *File) checkPlaces() error {
	p := places{}
	p.add("server", f.config.GetServer())
	p.add("name_server.server", f.config.GetNameServer().GetServer())
	errs := p.errs
	errs = append(errs, p.listens("admin.address", "", f.config.GetAdmin().GetAddress()))
	if a := f.config.GetAdmin(); isForOthers(a.GetAddress()) && !a.GetAllowRemote() {
		errs = append(errs, &FieldError{Path: "admin.address", Err: errForOthers})
	}
	ns := f.config.GetNameServer()
	errs = append(errs, addressError("name_server.broadcast.address", "udp", ns.GetBroadcast().GetAddress()),
		advertiseError("name_server.nat_host", ns.GetNatHost()))
	return f.Locate(errors.Join(errs...))
}

// A place is what one can listen on, with a port of its own.
type place struct{ network, address string }

// places are those that are listened on.
type places struct {
	taken map[place]string // and the field that says so
	errs  []error
}

// add notes the listeners of a server.
func (p *places) add(path string, m *configv1.Server) {
	for i, l := range m.GetListeners() {
		at := path + "." + indexed("listeners", i)
		p.errs = append(p.errs, advertiseError(at+".advertise", l.GetAdvertise()))
		switch {
		case l.GetNetwork() != "unix":
			p.errs = append(p.errs, p.listens(at+".address", l.GetNetwork(), l.GetAddress()))
		case l.GetAddress() == "":
			p.errs = append(p.errs, &FieldError{Path: at + ".address", Err: errors.New("has to be set: the path of the socket")})
		}
	}
}

// advertiseError says why URIs cannot carry an address; nil for one that they can, and for none.
func advertiseError(path, address string) error {
	if err := service.NewServer(service.Listen("tcp", ""), service.Advertise(address)).Err(); err != nil {
		return &FieldError{Path: path, Err: errors.New("want HOST or HOST:PORT, as URIs can carry it")}
	}
	return nil
}

// listens notes an address, or says what is wrong with it.
func (p *places) listens(path, network, address string) error {
	network = cmp.Or(network, "tcp")
	if err := addressError(path, network, address); err != nil || address == "" || strings.HasSuffix(address, ":0") {
		return err
	}
	at := place{network, address}
	if before, taken := p.taken[at]; taken {
		return &FieldError{Path: path, Err: fmt.Errorf("%s is the same: want another port", before)}
	}
	if p.taken == nil {
		p.taken = map[place]string{}
	}
	p.taken[at] = path
	return nil
}

// addressError says why nothing can listen on an address, of which it does not show what may come from a variable; nil
// for what can, and for none. Whether a port has a name is what this machine knows.
func addressError(path, network, address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if wrong, ok := errors.AsType[*net.AddrError](err); ok {
		return &FieldError{Path: path, Err: errors.New("want HOST:PORT: " + wrong.Err)}
	}
	if _, err := net.LookupPort(network, port); err != nil { //nolint:noctx // it waits for nobody
		return &FieldError{Path: path, Err: fmt.Errorf("want a port from 0 to %d, or the name of a known one", math.MaxUint16)}
	}
	ip, err := netip.ParseAddr(host)
	isIPv6 := ip.Is6() && !ip.Is4In6()
	if err == nil && (network == "tcp4" && isIPv6 || network == "tcp6" && !isIPv6) {
		return &FieldError{Path: path, Err: fmt.Errorf("is no address for network %s", network)}
	}
	return nil
}

var errForOthers = errors.New("is for other machines, too, which allow_remote has to allow")

// isForOthers tells whether an address is one that other machines reach, as the admin listener has it: only localhost and
// loopback addresses surely are not.
func isForOthers(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && !strings.EqualFold(host, "localhost") && !net.ParseIP(host).IsLoopback()
}

// unread stands for a secret in checks: long enough for any rule, and another one for each place it comes from.
func unread(s *configv1.Secret) (string, error) {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(s.String()))), nil
}

// Warnings returns what works but would do better otherwise, such as the order of a chain.
func (f *File) Warnings() []*Error { return f.warnings }

// eachChain calls do with each chain in a message.
func eachChain(m protoreflect.Message, path string, do func(chain *configv1.Chain, end transport.End, path string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || !m.Has(fd) {
			continue
		}
		at := fieldPath(path, fd)
		switch v := m.Get(fd); {
		case fd.Message().FullName() == chainName:
			end := transport.ClientEnd
			if m.Descriptor().FullName() == serverName {
				end = transport.ServerEnd
			}
			if chain, ok := v.Message().Interface().(*configv1.Chain); ok {
				do(chain, end, at)
			}
		case fd.IsMap() && fd.MapValue().Message() != nil:
			for _, key := range mapKeys(v.Map()) {
				eachChain(v.Map().Get(key).Message(), keyPath(at, key.String()), do)
			}
		case fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				eachChain(v.List().Get(i).Message(), at+"["+strconv.Itoa(i)+"]", do)
			}
		default:
			eachChain(v.Message(), at, do)
		}
	}
}
