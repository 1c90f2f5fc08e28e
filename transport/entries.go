package transport

import "context"

// maxEntryBlock is how many entries of a batch share an allocation at most: a method that keeps its
// context keeps those of its neighbours.
const maxEntryBlock = 16

// An entryContext is the context of one entry of a batch on a server, and the entry itself.
type entryContext struct {
	context.Context //nolint:containedctx // it is one

	info CallInfo
}

func (c *entryContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.info
	}
	return c.Context.Value(key)
}

// Entries makes the contexts for the entries of a batch on a server. It is for one goroutine.
type Entries struct {
	ctx   context.Context //nolint:containedctx // that of the batch
	batch *Call
	reply Reply // one for all: an entry's is used up before the next entry begins
	block []entryContext
	size  int
	last  *entryContext // nil before the first one
}

// NewEntries returns what makes the entries of batch, a call that is answered with ctx.
func NewEntries(ctx context.Context, batch *Call) *Entries {
	return &Entries{ctx: ctx, batch: batch}
}

// Next returns the context of the next entry and the call that it knows, which has all of the batch but
// method and arguments.
func (e *Entries) Next(method string, args Args) (context.Context, *CallInfo) {
	c := e.room()
	e.reply = Reply{}
	c.Context = e.ctx
	call, b := &c.info.Call, e.batch
	call.Kind, call.Object, call.Method, call.Args = b.Kind, b.Object, method, args
	call.Oneway, call.Batch = b.Oneway, true
	call.Header, call.Peer = b.Header, b.Peer
	call.reply = &e.reply
	return c, &c.info
}

// room returns memory for an entry, that of the one before if nobody can have kept it.
func (e *Entries) room() *entryContext {
	if e.last != nil && e.last.info.Unseen {
		*e.last = entryContext{}
		return e.last
	}
	if len(e.block) == 0 {
		e.size = min(max(2*e.size, 1), maxEntryBlock)
		e.block = make([]entryContext, e.size)
	}
	e.last, e.block = &e.block[0], e.block[1:]
	return e.last
}
