package retry

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// An outcome is what one of two equal calls came to.
type outcome struct {
	reply  *transport.Reply
	err    error
	header *transport.Header // of its reply, for OnReply
}

// hedge makes the call, and once more if it takes longer than after. It returns when both have ended: the one
// that is not needed is cancelled.
func (c *config) hedge(
	ctx context.Context, call *transport.Call, next transport.Endpoint, after time.Duration,
) (*transport.Reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan outcome, 2)
	go func() { results <- run(ctx, call, next) }()
	running := 1
	timer := time.NewTimer(after)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			if c.budget.spend() {
				running++
				go func() { results <- run(ctx, call, next) }()
			}
		case o := <-results:
			running--
			if o.err != nil && running > 0 {
				continue // the other one may do better
			}
			cancel()
			if running > 0 {
				discard(context.WithoutCancel(ctx), call, next, <-results)
			}
			if o.header != nil {
				call.OnReply(*o.header)
			}
			return o.reply, o.err
		}
	}
}

// run makes a copy of the call, so that the two share nothing that is written to.
func run(ctx context.Context, call *transport.Call, next transport.Endpoint) (o outcome) {
	defer func() {
		if r := recover(); r != nil { // in a goroutine it would end the program
			o = outcome{err: transport.NewPanicError(r, debug.Stack())}
		}
	}()
	own := *call
	own.Header.Annotations = slices.Clone(call.Header.Annotations)
	if call.OnReply != nil {
		own.OnReply = func(h transport.Header) { o.header = &h }
	}
	o.reply, o.err = next(ctx, &own)
	return o
}

// discard gives back what a reply that nobody wants holds, here and at the peer.
func discard(ctx context.Context, call *transport.Call, next transport.Endpoint, o outcome) {
	if o.err != nil || o.reply == nil {
		return
	}
	stream := o.reply.StreamID
	o.reply.Release()
	if stream == "" {
		return
	}
	end := &transport.Call{Kind: transport.StreamClose, Object: call.Object, Method: call.Method, StreamID: stream, Oneway: true}
	_, _ = next(ctx, end) // a stream that cannot be closed ends with its connection
}
