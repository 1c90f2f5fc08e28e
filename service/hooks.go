package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// Track has c closed when the connection ends over which the call of ctx came (Pyro's track_resource):
// what is tracked last is closed first, and at once if the connection has ended already. It is for what
// a method opens and a client may forget to have closed. It returns an error if ctx is not that of a call.
func Track(ctx context.Context, c io.Closer) error {
	session, err := sessionOf(ctx)
	if err != nil {
		return err
	}
	session.Track(c)
	return nil
}

// Untrack takes back what Track was given over the same connection, without closing it, and reports
// whether it was there.
func Untrack(ctx context.Context, c io.Closer) bool {
	session, err := sessionOf(ctx)
	return err == nil && session.Untrack(c)
}

func sessionOf(ctx context.Context) (*transport.Session, error) {
	info := transport.FromContext(ctx)
	if info == nil || info.Peer == nil || info.Peer.Session == nil {
		return nil, errors.New("the context is not that of a call which a server answers")
	}
	return info.Peer.Session, nil
}

// Callback marks a method that somebody calls back: its errors are logged here, too, and not only told to
// the caller, who may be a server that nobody looks at (Pyro's @callback).
func Callback() MethodOption {
	return methodOption(func(m *method) error {
		m.callback = true
		return nil
	})
}

// logCallback logs what a callback raised.
func (s *Server) logCallback(call *transport.Call, err error) {
	s.log.Error("callback failed", "object", call.Object, "method", call.Method, "peer", call.Peer.String(), "error", err)
}

// ValidateHandshake has validate judge each connection before its object is looked up, as a Pyro daemon's
// validateHandshake does: h has what the client says, its address and the certificates that TLS has
// verified (h.Peer.TLS). The value that it returns is the server's answer, nil stands for the text "hello";
// an error denies the connection, and its text is the reason that the client sees. Who the client was found
// to be, it puts into h.Peer.Principal. Middlewares have judged before.
func ValidateHandshake(validate func(ctx context.Context, h *transport.Handshake) (answer any, err error)) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.validate = validate
		return given("ValidateHandshake", validate != nil)
	})
}

// OnDisconnect has fn called at the end of each connection that was let in, once its session's instances
// and tracked resources are closed (Pyro's clientDisconnect). Connections end at the same time in several
// goroutines.
func OnDisconnect(fn func(peer *transport.Peer)) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.disconnected = append(c.disconnected, fn)
		return given("OnDisconnect", fn != nil)
	})
}

// Housekeeping has fn called every d while the server runs, in one goroutine (Pyro's housekeeping hook,
// which comes every two seconds). The context ends when the server shuts down, which waits for fn.
func Housekeeping(d time.Duration, fn func(context.Context)) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.chores = append(c.chores, chore{d, fn})
		return errors.Join(positive("Housekeeping", d), given("Housekeeping", fn != nil))
	})
}

// ServerTLS has every address of Listen without [NoTLS] speak TLS, and nothing else, as Pyro's SSL does. With
// cfg.ClientAuth set to tls.RequireAndVerifyClientCert a client needs a certificate, which methods see in
// [transport.Peer].TLS. What ListenOn adds is used as it is.
func ServerTLS(cfg *tls.Config) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.tls = cfg
		return given("ServerTLS", cfg != nil)
	})
}

func given(what string, ok bool) error {
	if !ok {
		return fmt.Errorf("%s(nil)", what)
	}
	return nil
}

// A chore is what is done now and then.
type chore struct {
	every time.Duration
	fn    func(context.Context)
}

// keepHouse does the chores until ctx ends.
func (s *Server) keepHouse(ctx context.Context) {
	for _, c := range s.cfg.chores {
		s.serving.Go(func() {
			tick := time.NewTicker(c.every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					s.guarded("housekeeping", func() { c.fn(ctx) })
				}
			}
		})
	}
}

// guarded calls a user's hook, whose panic ends nothing else.
func (s *Server) guarded(what string, hook func()) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error(what+" panicked", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	hook()
}

// farewell tells that a connection ended. It is the first that its session tracks, so the last one closed.
type farewell struct {
	s    *Server
	peer *transport.Peer
}

func (f *farewell) Close() error {
	for _, fn := range f.s.cfg.disconnected {
		f.s.guarded("disconnect hook", func() { fn(f.peer) })
	}
	return nil
}

// handshake is the innermost part of the chain: it has the connection judged and looks the object up.
func (s *Server) handshake(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
	welcome := &transport.Welcome{}
	if s.cfg.validate != nil {
		answer, err := s.cfg.validate(ctx, h)
		if err != nil {
			return nil, err
		}
		welcome.Value = codec.ValueOf(answer)
	}
	if h.Object != "" { // a Pyro4 client that wants no metadata names no object
		svc := s.service(h.Object)
		if svc == nil {
			return nil, transport.Errorf(transport.CodeNotFound, "unknown object")
		}
		welcome.Metadata = svc.exposed()
	}
	if len(s.cfg.disconnected) > 0 {
		h.Peer.Session.Track(&farewell{s, h.Peer})
	}
	return welcome, nil
}
