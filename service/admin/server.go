package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second // profiles take longer, and say so
	idleTimeout  = 2 * time.Minute
	maxHeader    = 16 << 10
)

// A Server serves a Handler.
type Server struct {
	http   *http.Server
	url    string
	served chan struct{} // closed when Serve has returned
}

// Listen serves cfg at address, HOST:PORT, until Shutdown; ctx is for opening it alone. Without [Config.AllowRemote] an
// address that other machines reach is an error.
func Listen(ctx context.Context, address string, cfg Config) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("admin: address %q: want HOST:PORT", address)
	}
	if !cfg.AllowRemote && !isLoopbackHost(host) {
		return nil, fmt.Errorf("admin: address %s is for other machines, too, which allow_remote has to allow", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	scheme := "http"
	if cfg.TLS != nil {
		l, scheme = tls.NewListener(l, cfg.TLS), "https"
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		http: &http.Server{
			Handler: Handler(cfg), ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		url:    scheme + "://" + reached(host, l.Addr()),
		served: make(chan struct{}),
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener failed", "error", err)
		}
	}()
	return s, nil
}

// reached is where the listener is: at the host that was named, and the port that it got.
func reached(host string, bound net.Addr) string {
	_, port, err := net.SplitHostPort(bound.String())
	if err != nil || host == "" {
		return bound.String()
	}
	return net.JoinHostPort(host, port)
}

// URL returns where the server is, such as http://localhost:9180.
func (s *Server) URL() string { return s.url }

// Shutdown lets answers that are under way finish, and closes. When ctx ends first, they are cut off, and its error is
// returned.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	<-s.served
	return err
}
