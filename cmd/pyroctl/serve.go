package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/internal/filecheck"
	"github.com/pyrokit/pyrokit/internal/sdnotify"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// drainTime is how long a server that is told to stop waits for the calls that run.
const drainTime = 10 * time.Second

// onlyOneAddress refuses a port beside a unix socket: a server on both is made by a configuration.
func onlyOneAddress(cmd *cobra.Command) {
	cmd.MarkFlagsMutuallyExclusive("unix", "port")
	cmd.MarkFlagsMutuallyExclusive("unix", "host")
}

// serveFlags say where and how a server listens.
type serveFlags struct {
	host        string
	port        int
	unix        string
	natHost     string
	natPort     int
	serializers []string // empty: what a daemon accepts by default
}

func (s *serveFlags) register(fs *pflag.FlagSet, host string, port int) {
	fs.StringVar(&s.host, "host", host, "`address` to listen on; 0.0.0.0 for all")
	fs.IntVar(&s.port, "port", port, "`port` to listen on; 0 for any")
	fs.StringVar(&s.unix, "unix", "",
		"`path` of a unix socket to listen on, in the place of --host and --port; '\\x00name' for an abstract one (Linux)")
	fs.StringSliceVar(&s.serializers, "serializers", nil,
		"serializers that are accepted (default "+strings.Join(pyro.DefaultSerializers(), ", ")+", and with Pyro5 msgpack)")
}

func (s *serveFlags) registerNAT(fs *pflag.FlagSet) {
	fs.StringVar(&s.natHost, "nathost", "", "`host` that URIs carry, where clients see another one than --host")
	fs.IntVar(&s.natPort, "natport", 0, "`port` that URIs carry together with --nathost; 0 for the real one")
}

func (s *serveFlags) check() error {
	switch {
	case s.port < 0 || s.port > 65535:
		return usagef("--port %d: want a port from 0 to 65535", s.port)
	case s.natPort < 0 || s.natPort > 65535:
		return usagef("--natport %d: want a port from 0 to 65535", s.natPort)
	case s.natPort != 0 && s.natHost == "":
		return usagef("--natport: needs --nathost")
	case s.natHost != "" && s.unix != "":
		return usagef("--nathost: a unix socket has no host")
	case strings.Contains(s.host, ":") && net.ParseIP(strings.Trim(s.host, "[]")) == nil && !strings.Contains(s.host, "%"):
		return usagef("--host %s: want a host alone, --port is beside it", s.host)
	}
	if err := filecheck.Socket(s.unix); err != nil {
		return usagef("--unix: %w", err)
	}
	for _, name := range s.serializers {
		if err := pyro.CheckSerializer(name); err != nil {
			return usagef("--serializers: %w", err)
		}
	}
	return nil
}

func (s *serveFlags) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// defaultHost is PYRO_HOST, which Pyro's own daemons follow.
func defaultHost() string { return envOr("PYRO_HOST", "localhost") }

func envOr(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

// newServer returns a server that the flags describe; it does not listen yet.
func (f *factory) newServer(ctx context.Context, s *serveFlags, extra ...service.ServerOption) (*service.Server, error) {
	opts, err := f.serverOptions(s)
	if err != nil {
		return nil, err
	}
	listen := s.listen()
	if f.flags.tls.enabled() {
		l, err := s.listenTLS(ctx, &f.flags.tls)
		if err != nil {
			return nil, err
		}
		listen = []service.ServerOption{service.ListenOn(l)}
	}
	return service.NewServer(slices.Concat(opts, listen, extra)...), nil
}

// serverOptions is what the flags say but for where the server listens.
func (f *factory) serverOptions(s *serveFlags) ([]service.ServerOption, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	f.serving = s
	if s.unix == "" && s.natHost == "" {
		port, _ := f.env.Int("NATPORT")
		s.natHost, s.natPort = f.env.Text("NATHOST"), int(port)
	}
	opts := []service.ServerOption{service.Logger(f.log)}
	if f.option != nil {
		opts = append(opts, f.option)
	}
	if len(s.serializers) > 0 {
		opts = append(opts, service.Serializers(s.serializers...))
	}
	key, err := f.hmacKey()
	if err != nil {
		return nil, err
	}
	if key != nil {
		opts = append(opts, service.HMACKey(string(key)))
	}
	if f.flags.compress {
		opts = append(opts, service.Compression())
	}
	if f.flags.maxMessageSize > 0 {
		opts = append(opts, service.MaxMessageSize(f.flags.maxMessageSize))
	}
	return opts, nil
}

func (s *serveFlags) listen() []service.ServerOption {
	if s.unix != "" {
		return []service.ServerOption{service.Listen("unix", s.unix)}
	}
	opts := []service.ServerOption{service.Listen("tcp", s.address())}
	switch {
	case s.natHost != "" && s.natPort != 0:
		opts = append(opts, service.Advertise(net.JoinHostPort(s.natHost, strconv.Itoa(s.natPort))))
	case s.natHost != "":
		opts = append(opts, service.Advertise(s.natHost))
	}
	return opts
}

// A namedListener says what URIs are to carry, rather than the number that it is bound to: TLS checks
// names.
type namedListener struct {
	net.Listener
	addr net.Addr
}

func (l *namedListener) Addr() net.Addr { return l.addr }

type namedAddr struct{ network, address string }

func (a namedAddr) Network() string { return a.network }
func (a namedAddr) String() string  { return a.address }

func (s *serveFlags) listenTLS(ctx context.Context, flags *tlsFlags) (net.Listener, error) {
	cfg, err := flags.server()
	if err != nil {
		return nil, err
	}
	network, address := "tcp", s.address()
	if s.unix != "" {
		network, address = "unix", pyro.SocketName(s.unix)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", network, address, err)
	}
	named := &namedListener{Listener: tls.NewListener(l, cfg), addr: l.Addr()}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		host, port := s.host, tcp.Port
		if s.natHost != "" {
			host = s.natHost
		}
		if s.natPort != 0 {
			port = s.natPort
		}
		named.addr = namedAddr{"tcp", net.JoinHostPort(host, strconv.Itoa(port))}
	}
	return named, nil
}

// serve starts srv, says where its object is, and serves until ctx ends. started, if not nil, is called
// before anybody is told.
func (f *factory) serve(ctx context.Context, srv *service.Server, what, object string, started func()) error {
	if err := srv.Start(); err != nil { //nolint:contextcheck // what it starts outlives ctx: it has to drain
		return err
	}
	if started != nil {
		started()
	}
	for _, uri := range srv.URIs(object) {
		fmt.Fprintf(f.io.out, "READY %s %s\n", what, pyro.Printable(uri.String()))
	}
	f.tellSystemd(sdnotify.Ready)
	return f.wait(ctx, srv, srv.Shutdown)
}

// wait waits until ctx ends, or a listener of srv fails, and then stops what was running.
func (f *factory) wait(ctx context.Context, srv *service.Server, shutdown func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return f.stop(ctx, context.Cause(ctx), shutdown)
	case failed := <-srv.Failed():
		return errors.Join(failed, f.stop(ctx, failed, shutdown))
	}
}

// stop ends a server that was running, after the calls that run, and logs why and how.
func (f *factory) stop(ctx context.Context, why error, shutdown func(context.Context) error) error {
	f.log.Info("stopping", "why", why)
	f.tellSystemd(sdnotify.Stopping)
	began := time.Now()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := shutdown(end)
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		f.log.Error("stopped", "took", took, "error", err)
		return err
	}
	f.log.Info("stopped", "took", took)
	return nil
}

// tellSystemd tells systemd, where it wants to know, how this program is doing.
func (f *factory) tellSystemd(state string) {
	if err := sdnotify.Notify(state); err != nil {
		f.log.Warn("systemd does not know", "error", err)
	}
}
