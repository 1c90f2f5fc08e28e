// Package pairtest joins a server and a proxy in memory, for tests and examples of what lies between
// them.
package pairtest

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// A Pair is a server and the means to connect to it.
type Pair struct {
	Name string // of the object

	server   *service.Server
	listener *inmem.Listener
	proxies  []*service.Proxy
}

// Serve serves s in memory.
func Serve(s *service.Service, opts ...service.ServerOption) (*Pair, error) {
	p := &Pair{Name: s.Name(), listener: inmem.Listen()}
	p.server = service.NewServer(append([]service.ServerOption{service.ListenOn(p.listener)}, opts...)...)
	if err := p.server.Add(s); err != nil {
		return nil, err //nolint:wrapcheck // for tests
	}
	return p, p.server.Start() //nolint:wrapcheck // for tests
}

// Connect returns a proxy for the object.
func (p *Pair) Connect(opts ...service.ProxyOption) (*service.Proxy, error) {
	opts = append([]service.ProxyOption{service.DialWith(p.listener.DialContext)}, opts...)
	proxy, err := service.Connect("PYRO:"+p.Name+"@memory:1", opts...)
	if err == nil {
		p.proxies = append(p.proxies, proxy)
	}
	return proxy, err //nolint:wrapcheck // for tests
}

// Close ends both sides.
func (p *Pair) Close() error {
	var errs []error
	for _, proxy := range p.proxies {
		errs = append(errs, proxy.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(append(errs, p.server.Shutdown(ctx))...)
}

// Join serves s and returns a proxy for it; both end with the test.
func Join(t testing.TB, s *service.Service, server []service.ServerOption, client ...service.ProxyOption) *service.Proxy {
	t.Helper()
	p, err := Serve(s, server...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	proxy, err := p.Connect(client...)
	require.NoError(t, err)
	return proxy
}

// Dial makes a connection to the server, whatever the address.
func (p *Pair) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.listener.DialContext(ctx, network, address) //nolint:wrapcheck // for tests
}
