package nameserver

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Clean looks at all registrations once, by way of dial; what has failed for so long is removed.
func (n *NameServer) Clean(ctx context.Context, failedFor time.Duration, dial func(network, address string) error) error {
	n.cleaner.unreachableFor = failedFor
	n.cleaner.dial = func(_ context.Context, network, address string) (net.Conn, error) {
		if err := dial(network, address); err != nil {
			return nil, err
		}
		conn, other := net.Pipe()
		_ = other.Close()
		return conn, nil
	}
	return n.cleaner.clean(ctx)
}

// Age has all that cannot be connected to have been so for longer.
func (n *NameServer) Age(d time.Duration) {
	for name, f := range n.cleaner.failing {
		f.since = f.since.Add(-d)
		n.cleaner.failing[name] = f
	}
}

// EndLeases has all leases that run end now.
func (n *NameServer) EndLeases() {
	n.leases.mu.Lock()
	for _, l := range n.leases.queue {
		l.ends = time.Now()
	}
	n.leases.mu.Unlock()
	n.leases.tick()
}

// Stop does as if the process had been stopped until all leases were over for so long.
func (n *NameServer) Stop(d time.Duration) {
	n.leases.mu.Lock()
	for _, l := range n.leases.queue {
		l.ends = time.Now().Add(-d)
	}
	n.leases.mu.Unlock()
	n.leases.tick()
}

// Respond answers broadcasts at address, of a name server at uri, until stop.
func Respond(ctx context.Context, address string, uri pyro.URI) (at net.Addr, stop func(), err error) {
	r, err := respond(ctx, address, uri, new(atomic.Uint64))
	if err != nil {
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() { //nolint:contextcheck // until stop
		r.run(context.Background(), slog.Default())
		close(done)
	}()
	return r.conn.LocalAddr(), func() {
		_ = r.conn.Close()
		<-done
	}, nil
}

// HoldTurns takes all turns of queries that take long, until release.
func HoldTurns() (release func()) {
	for range cap(turns) {
		turns <- struct{}{}
	}
	return func() {
		for range cap(turns) {
			<-turns
		}
	}
}

// TurnsTaken is how many queries have a turn.
func TurnsTaken() int { return len(turns) }

// Many is how many records are read without a turn.
const Many = many

// All yields all records.
func (n *NameServer) All(ctx context.Context) (iter.Seq2[storage.Record, error], error) {
	return n.find(ctx, filter{})
}

// Matching yields the records whose names an expression matches.
func (n *NameServer) Matching(ctx context.Context, expr string) (iter.Seq2[storage.Record, error], error) {
	return n.matching(ctx, expr)
}
