package pyro

import (
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// limits are those fields of a ServerConfig that may change while the server runs, with their defaults filled in. They
// are read-only once in use.
type limits struct {
	maxMessageSize, maxInflatedSize int64
	maxUnsentSize                   int64
	idleTimeout, writeTimeout       time.Duration
	values                          codec.Options

	maxConnections, maxStreams int
	handshakeTimeout           time.Duration
}

func (cfg *ServerConfig) limits() *limits {
	return &limits{
		maxMessageSize:   orDefault(cfg.MaxMessageSize, DefaultMaxMessageSize),
		maxInflatedSize:  orDefault(cfg.MaxInflatedSize, DefaultMaxInflatedSize),
		maxUnsentSize:    orDefault(cfg.MaxUnsentSize, DefaultMaxUnsentSize),
		idleTimeout:      max(0, cfg.IdleTimeout),
		writeTimeout:     orDefault(cfg.WriteTimeout, time.Minute),
		values:           cfg.Values,
		maxConnections:   orDefault(cfg.MaxConnections, defaultMaxConnections),
		maxStreams:       orDefault(cfg.Streams.Max, defaultMaxStreams),
		handshakeTimeout: orDefault(cfg.HandshakeTimeout, DefaultTimeout),
	}
}

// SetLimits gives a server that may be running the limits of cfg, where 0 means the default. MaxConnections,
// HandshakeTimeout, MaxUnsentSize and Streams.Max count at once, for what comes from then on; MaxMessageSize,
// MaxInflatedSize, IdleTimeout, WriteTimeout and Values.MaxDepth for the connections that are made from then on. Nothing
// else of cfg is looked at.
func (s *Server) SetLimits(cfg ServerConfig) {
	l := cfg.limits()
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.limits.Load()
	l.values = before.values
	l.values.MaxDepth = cfg.Values.MaxDepth
	s.limits.Store(l)
	s.inflated.resize(l.maxInflatedSize)
	s.unsent.resize(l.maxUnsentSize)
	s.streams.limit(l.maxStreams)
}
