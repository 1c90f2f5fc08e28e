package service

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// ErrNotExecuted is matched by the error of a queued call that was not carried out: an earlier call of
// its batch raised an exception, or the batch has not been sent yet.
var ErrNotExecuted = errors.New("not executed")

// A Batch gathers calls of one object that are sent in one message and carried out in order, which costs
// one round trip for all of them. [Proxy.Batch] makes one, [Queue] fills it, [Batch.Do] sends it, and
// after that it is empty and can be filled again.
//
// The first exception ends a batch: what comes after it is not carried out. A name that the object does
// not have refuses the whole batch before anything is sent; where only the server knows (a proxy with
// [NoMetadata]), what comes before that name has been carried out, but its results are lost. A batch calls
// methods: attributes cannot be in it, and iterators cannot be results.
//
// For a client's middlewares a batch is one call of kind [transport.Batch] with its entries; a server's
// see each entry as a call of its own. So a timeout is for the whole batch, as are annotations and the
// correlation id: the call that it ends has context.DeadlineExceeded as its error, also where the server was the first
// to say so.
//
// A Batch is not safe for concurrent use; several batches of one proxy are.
type Batch struct {
	p    *Proxy
	next batchRun // what is being gathered
	last batchRun // what Do sent last
}

// Batch returns an empty batch for the proxy's object.
func (p *Proxy) Batch() *Batch { return &Batch{p: p} }

// A Result is what one call of a batch will have returned. It may be read when [Batch.Do] has returned,
// or the future of [Batch.Go] is done.
type Result[T any] struct {
	value T
	err   error
}

// Value returns what the call returned. The error is the exception that it raised, that the result is no
// T, what the batch failed with, or matches [ErrNotExecuted].
func (r *Result[T]) Value() (T, error) { return r.value, r.err }

func (r *Result[T]) place() any {
	r.err = nil
	return &r.value
}

func (r *Result[T]) fail(err error) { r.err = err }

func (r *Result[T]) outcome() (any, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.value, nil
}

// A queued is a Result of any type.
type queued interface {
	place() any     // where the value goes; until fail, it is a good one
	fail(err error) // there is no value
	outcome() (any, error)
}

var errNotSent = notExecuted("the batch has not been sent")

func notExecuted(why string) *transport.Error {
	return transport.Errorf(transport.CodeAborted, "%w: %s", ErrNotExecuted, why)
}

// Queue adds a call to the batch and returns where its result will be. Among args, Kwargs are keyword
// arguments; all others are positional arguments, which must not be changed until the batch is sent.
// CallOptions are for the whole batch: Do takes them.
func Queue[T any](b *Batch, method string, args ...any) *Result[T] {
	r := &Result[T]{err: errNotSent}
	b.next.add(method, args, r)
	return r
}

// Len returns the number of calls that are queued.
func (b *Batch) Len() int { return len(b.next.entries) }

// Do sends the batch and waits for its results. It returns the exception that ended the batch, or what
// the batch as a whole failed with; unless that error says NotSent, calls may have been carried out. A
// result that does not fit its type is the error of that Result alone. An empty batch is sent as well, as
// Pyro does.
//
// With the option AsOneway it returns as soon as the batch is sent, and there are no results. A Python
// server carries it out before the next call of the connection.
func (b *Batch) Do(ctx context.Context, opts ...CallOption) error {
	b.last, b.next = b.next, b.last
	b.next.clear()
	return b.last.do(ctx, b.p, opts)
}

// Go is Do in the background: the batch can be filled again at once. The value of the future are the
// results, as Results has them, also when it has an error.
func (b *Batch) Go(ctx context.Context, opts ...CallOption) *Future[iter.Seq2[any, error]] {
	run, p := b.next, b.p
	b.next = batchRun{}
	f, own := newFuture[iter.Seq2[any, error]](ctx, nil)
	f.value = run.all // also if it is cancelled before it begins
	go f.run(own, own.Err, func(ctx context.Context) (iter.Seq2[any, error], error) { return run.all, run.do(ctx, p, opts) })
	return f
}

// Results returns the results of the last Do in the order of the calls. As in Pyro they end with the first
// error: that of the call that raised an exception, or of the batch. A one-way batch has none.
func (b *Batch) Results() iter.Seq2[any, error] { return b.last.all }

// A batchRun is the content of a batch on its way. It is the sink of its results.
type batchRun struct {
	entries []codec.BatchEntry
	results []queued
	err     error // what is wrong with an entry
	oneway  bool

	got    int              // results that were read
	raised *transport.Error // by the call after them
	during func(e *transport.Error, op string) *transport.Error
}

func (r *batchRun) add(method string, args []any, result queued) {
	entry, err := entryOf(method, args)
	if err != nil && r.err == nil {
		r.err = err.During(fmt.Sprintf("call %s (%d in a batch)", method, len(r.entries)+1), "", "")
	}
	r.entries = append(r.entries, entry)
	r.results = append(r.results, result)
}

// entryOf separates positional from keyword arguments.
func entryOf(method string, args []any) (codec.BatchEntry, *transport.Error) {
	entry := codec.BatchEntry{Method: method}
	if allPositional(args) {
		entry.Args = args
		return entry, nil
	}
	for _, a := range args {
		switch x := a.(type) {
		case Kwargs:
			entry.Kwargs = x
		case CallOption:
			return entry, transport.Errorf(transport.CodeInvalidArgument, "options are for the whole batch: they go to Do")
		default:
			entry.Args = append(entry.Args, a)
		}
	}
	return entry, nil
}

// clear forgets what was called; the memory is for what comes.
func (r *batchRun) clear() {
	clear(r.entries)
	clear(r.results)
	*r = batchRun{entries: r.entries[:0], results: r.results[:0]}
}

// do sends the batch and gives each result what it gets.
func (r *batchRun) do(ctx context.Context, p *Proxy, opts []CallOption) error {
	if r.err != nil {
		r.failFrom(0, r.err)
		return r.err
	}
	call := newCall(transport.Batch, transport.BatchMethod)
	defer freeCall(call)
	call.Entries = r.entries
	for _, o := range opts {
		o.applyToCall(call)
	}
	reply, err := p.do(ctx, call)
	switch {
	case err != nil:
		err = partly(err)
		r.failFrom(0, err)
		return err
	case call.Oneway:
		reply.Release()
		r.oneway = true
		r.failFrom(0, transport.Errorf(transport.CodeFailedPrecondition, "a one-way batch has no results"))
		return nil
	}
	return r.read(p, call, reply)
}

// partly says what else the failure of a whole batch means.
func partly(err error) error {
	if e := transport.AsError(err); e.NotSent {
		return err
	}
	return fmt.Errorf("%w (calls of the batch may have been carried out)", err)
}

// read takes the results out of a reply.
func (r *batchRun) read(p *Proxy, call *transport.Call, reply *transport.Reply) error {
	defer reply.Release()
	r.during = func(e *transport.Error, op string) *transport.Error {
		return e.During(op, p.uri.String(), call.Peer.String())
	}
	err := reply.Value.Decode(r)
	if err == nil && r.raised == nil && r.got < len(r.results) {
		err = fmt.Errorf("%d results of %d calls", r.got, len(r.results))
	}
	if err != nil {
		e := transport.Errorf(transport.CodeInternal, "results of a batch: %w", err)
		err = partly(r.during(e, fmt.Sprintf("batch of %d calls", len(r.entries))))
		r.failFrom(0, err)
		return err
	}
	if r.raised == nil {
		return nil
	}
	e, why := r.raised, "an earlier call of the batch raised "+r.raised.Class
	if reply.Late && e.Code == transport.CodeDeadlineExceeded {
		e, why = transport.Wrap(transport.CodeDeadlineExceeded, context.DeadlineExceeded), "the time of the batch was over"
	}
	e = r.during(e, r.op(r.got))
	r.results[r.got].fail(e)
	r.failFrom(r.got+1, notExecuted(why))
	return e
}

// op says which call of the batch an error is about.
func (r *batchRun) op(i int) string {
	return fmt.Sprintf("call %s (%d of %d in a batch)", r.entries[i].Method, i+1, len(r.entries))
}

func (r *batchRun) failFrom(first int, err error) {
	for _, q := range r.results[first:] {
		q.fail(err)
	}
}

// Element returns the place of result i. It implements codec.ListSink, as do Instance and Misfit.
func (r *batchRun) Element(i int) (any, error) {
	switch {
	case r.raised != nil:
		return nil, errors.New("a result after the exception that ends the batch")
	case i >= len(r.results):
		return nil, fmt.Errorf("more than %d results of %d calls", i, len(r.results))
	}
	r.got = i + 1
	return r.results[i].place(), nil
}

// Instance takes the exception that ends a batch.
func (r *batchRun) Instance(i int, class string, value func() (any, error)) bool {
	if class != "" && !transport.IsBatchError(class) {
		return false
	}
	v, err := value()
	e, ok := v.(*transport.BatchError)
	if err != nil || !ok || i >= len(r.results) || r.raised != nil {
		return false
	}
	r.raised = e.Err
	return true
}

// Misfit leaves the error with the result.
func (r *batchRun) Misfit(i int, err error) error {
	err = fmt.Errorf("result of %s: %w", r.entries[i].Method, err)
	r.results[i].fail(r.during(transport.Wrap(transport.CodeInvalidArgument, err), r.op(i)))
	return nil
}

// all yields the results up to the first error.
func (r *batchRun) all(yield func(any, error) bool) {
	if r.oneway {
		return
	}
	for _, q := range r.results {
		if v, err := q.outcome(); !yield(v, err) || err != nil {
			return
		}
	}
}
