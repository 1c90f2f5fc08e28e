package service

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Stats are a server's numbers at one moment. Those that only grow count from Start on.
type Stats struct {
	pyro.ServerStats

	// Calls counts the calls that were taken on, entries of batches and items of iterators included. None of the four
	// counts those of HealthObject.
	Calls        uint64
	CallsFailed  uint64 // those of them that ended with an error
	CallsRefused uint64 // calls beyond MaxCalls
	CallsRunning int64  // calls that run now
}

// Stats returns the server's numbers; before Start they are zero.
func (s *Server) Stats() Stats {
	s.life.Lock()
	wire := s.wire
	s.life.Unlock()
	stats := Stats{
		Calls: s.calls.taken.Load(), CallsFailed: s.calls.failed.Load(),
		CallsRefused: s.calls.refused.Load(), CallsRunning: s.calls.running.Load(),
	}
	if wire != nil {
		stats.ServerStats = wire.Stats()
	}
	return stats
}

// callCounts count the calls of a server.
type callCounts struct {
	taken, failed, refused atomic.Uint64
	running                atomic.Int64
	most                   atomic.Int64 // that may run; 0: no limit
}

// MaxCalls limits the calls that run at the same time on all connections together; one more is refused
// with an error that says so (code CodeResourceExhausted, in Python a RuntimeError). By default there is no
// such limit.
func MaxCalls(n int) ServerOption {
	return serverOption(func(c *serverConfig) error {
		if n <= 0 || n > math.MaxInt32 {
			return fmt.Errorf("MaxCalls(%d): must be positive", n)
		}
		c.pb.Limits.MaxCalls = int32(n)
		return nil
	})
}

// counted is the outermost part of the chain: it counts the calls, and refuses those that are too many. Those of the
// health object take no room from others. An item of its watch, which may be long in coming, does not go through the chain
// at all, where it would count as a call that hangs: that the watch began was judged there.
func (s *Server) counted(next transport.Endpoint) transport.Endpoint {
	return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
		if call.Object == HealthObject && call.Kind == transport.StreamItem {
			return s.dispatch(ctx, call)
		}
		if call.Object == HealthObject {
			return next(ctx, call)
		}
		defer s.calls.running.Add(-1)
		if n, most := s.calls.running.Add(1), s.calls.most.Load(); most > 0 && n > most {
			s.calls.refused.Add(1)
			return nil, transport.Errorf(transport.CodeResourceExhausted,
				"the server has no room for another call (option MaxCalls, %d)", most)
		}
		s.calls.taken.Add(1)
		reply, err := next(ctx, call)
		if err != nil {
			s.calls.failed.Add(1)
		}
		return reply, err
	}
}
