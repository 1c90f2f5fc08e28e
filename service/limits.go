package service

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// SetLimits gives a server, which may be running, other limits in the place of those that its options have set; 0, and
// nil, stand for the defaults. MaxConnections, MaxStreams, MaxCalls, MaxUnsentSize and HandshakeTimeout count at once, and cut nothing
// off that is there; the others count for connections that are made from then on. With an error nothing has changed.
func (s *Server) SetLimits(l *configv1.Limits) error {
	if err := checkLimits(l); err != nil {
		return err
	}
	s.life.Lock()
	defer s.life.Unlock()
	s.cfg.pb.Limits = proto.CloneOf(l)
	if s.wire == nil {
		return nil
	}
	s.wire.SetLimits(s.wireConfig())
	s.calls.most.Store(int64(l.GetMaxCalls()))
	return nil
}

// checkLimits checks what options check one by one.
func checkLimits(l *configv1.Limits) error {
	numbers := map[string]int64{
		"max_message_size": l.GetMaxMessageSize(), "max_inflated_size": l.GetMaxInflatedSize(),
		"max_unsent_size": l.GetMaxUnsentSize(),
		"max_depth":       int64(l.GetMaxDepth()), "max_connections": int64(l.GetMaxConnections()),
		"max_streams": int64(l.GetMaxStreams()), "max_calls": int64(l.GetMaxCalls()),
		"handshake_timeout": int64(l.GetHandshakeTimeout().AsDuration()),
		"write_timeout":     int64(l.GetWriteTimeout().AsDuration()),
		"idle_timeout":      int64(l.GetIdleTimeout().AsDuration()),
	}
	var errs []error
	for name, n := range numbers {
		if n < 0 {
			errs = append(errs, fmt.Errorf("limits: %s must not be negative", name))
		}
	}
	return errors.Join(errs...)
}
