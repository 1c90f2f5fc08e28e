package program

import (
	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// defaultBroadcast is where broadcasts are answered.
const defaultBroadcast = ":9091"

// newNameServer returns the name server that m describes, and what it keeps its names in, which is to be closed after it.
// extra are more options of its server. Errors are [config.FieldError], as of [config.ServerOptions].
func newNameServer(
	m *configv1.NameServer, env config.Env, extra ...service.ServerOption,
) (*nameserver.NameServer, storage.Storage, error) {
	path := env.Path
	own := proto.CloneOf(m.GetServer())
	if own == nil {
		own = &configv1.Server{}
	}
	own.Listeners = nil // it has to know them itself
	env.Path = path + ".server"
	server, err := config.ServerOptions(own, env)
	if err != nil {
		return nil, nil, err
	}
	opts := []nameserver.Option{nameserver.Logger(env.Log), nameserver.Server(server...), nameserver.Server(extra...)}
	for _, l := range m.GetServer().GetListeners() {
		opts = append(opts, listen(l)...)
	}
	if m.GetNatHost() != "" {
		opts = append(opts, nameserver.NAT(m.GetNatHost(), int(m.GetNatPort())))
	}
	if b := m.GetBroadcast(); !b.GetDisabled() {
		address := b.GetAddress()
		if address == "" {
			address = defaultBroadcast
		}
		opts = append(opts, nameserver.Broadcast(address))
	}
	if d := m.GetAutoclean(); d != nil {
		opts = append(opts, nameserver.Autoclean(d.AsDuration()))
	}
	store, err := open.Storage(storageName(m.GetStorage()))
	if err != nil {
		return nil, nil, &config.FieldError{Path: path + ".storage", Err: err}
	}
	return nameserver.New(append(opts, nameserver.Storage(store))...), store, nil
}

func listen(l *configv1.Listener) []nameserver.Option {
	network, address := l.GetNetwork(), l.GetAddress()
	if network == "" {
		network = "tcp"
	}
	if address == "" {
		address = "localhost:0"
	}
	opts := []nameserver.Option{nameserver.Listen(network, address)}
	if l.GetAdvertise() != "" {
		opts = append(opts, nameserver.Server(service.Advertise(l.GetAdvertise())))
	}
	if l.GetNoTls() {
		opts = append(opts, nameserver.Server(service.NoTLS()))
	}
	return opts
}

// storageName is how open.Storage calls what m describes.
func storageName(m *configv1.NameStorage) string {
	switch kind := m.GetKind().(type) {
	case *configv1.NameStorage_Sql:
		return "sql:" + kind.Sql
	case *configv1.NameStorage_Dbm:
		return "dbm:" + kind.Dbm
	default:
		return "memory"
	}
}
