package service

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// Kwargs among the arguments of a call are its keyword arguments: Call[int](ctx, p, "buy", "tea", Kwargs{"count": 3})
// is Python's buy("tea", count=3). A second one takes the place of the first.
type Kwargs = codec.Kwargs

// A CallOption among the arguments of a call, at any place, sets up this call alone: [Timeout], [AsOneway],
// [Ahead], [WithAnnotation], [ResponseAnnotations], [WithSerializer].
type CallOption interface{ applyToCall(*transport.Call) }

type callOption func(*transport.Call)

func (o callOption) applyToCall(c *transport.Call) { o(c) }

// WithAnnotation sends an annotation along; key is four ASCII letters.
func WithAnnotation(key string, value []byte) CallOption {
	return callOption(func(c *transport.Call) { c.Header.Annotations.Set(key, value) })
}

// AsOneway sends the call without waiting for a reply, whatever the object says of the method. One-way calls that follow
// each other closely are written together, maybe after they have returned: Close sees them off.
func AsOneway() CallOption {
	return callOption(func(c *transport.Call) { c.Oneway = true })
}

// Ahead has a pyrokit server send the items of a remote iterator, [Stream]'s, before they are asked for, as many as
// there is room for on this side: 16 at first, up to 2048 as they are taken, never more than 128 KiB and an
// item. Small items come more than ten times as fast. It changes what a walk means, and is therefore off by default:
//
//   - Items are made ahead. A caller who leaves the loop early has had some made in vain, which matters where
//     making one takes it from somewhere (a queue); one who is slow sees items that are older than his asking.
//   - An iterator does not outlive its connection (StreamLinger): nobody could tell which items have
//     arrived. The walk ends with an error then, after those that have; it matches [transport.ErrUnavailable].
//
// Python's servers, and objects with an instance for each session, send each item when it is asked for all
// the same.
func Ahead() CallOption {
	return callOption(func(c *transport.Call) { c.Ahead = true })
}

// arguments sorts what the caller gave: values, keyword arguments, options.
func arguments(call *transport.Call, args []any) {
	if allPositional(args) {
		call.Args.Positional = args
		return
	}
	values := make([]any, 0, len(args))
	for _, a := range args {
		switch x := a.(type) {
		case Kwargs:
			call.Args.Keywords = x
		case CallOption:
			x.applyToCall(call)
		default:
			values = append(values, a)
		}
	}
	call.Args.Positional = values
}

func allPositional(args []any) bool {
	for _, a := range args {
		switch a.(type) {
		case Kwargs, CallOption:
			return false
		}
	}
	return true
}

// Call calls a method and decodes its result into a T; with T any, into what package codec lists. Among args,
// [Kwargs] are keyword arguments and each [CallOption] is an option; all others are positional arguments. The
// error is a *[transport.Error]; an exception that the method raised has Remote set, with class, arguments
// and traceback. A result that is no T is an error, too, and the method has run then. A one-way call has
// the zero T, and a remote iterator is for [Stream].
func Call[T any](ctx context.Context, p *Proxy, method string, args ...any) (T, error) {
	var result T
	call := newCall(transport.Invoke, method)
	defer freeCall(call)
	arguments(call, args)
	reply, err := p.do(ctx, call)
	if err != nil {
		return result, err
	}
	return result, p.decode(ctx, reply, call, &result)
}

// calls are pooled: nobody keeps one after its endpoint has returned.
var calls = sync.Pool{New: func() any { return new(transport.Call) }}

func newCall(kind transport.Kind, method string) *transport.Call {
	call, _ := calls.Get().(*transport.Call)
	call.Kind, call.Method = kind, method
	return call
}

func freeCall(call *transport.Call) {
	*call = transport.Call{}
	calls.Put(call)
}

// decode stores a reply's value in dst and releases it.
func (p *Proxy) decode(ctx context.Context, reply *transport.Reply, call *transport.Call, dst any) error {
	defer reply.Release()
	if reply.StreamID != "" {
		p.closeStreamLate(ctx, call, reply.StreamID)
		instead := "Stream"
		if call.Kind == transport.GetAttr {
			instead = "GetStream"
		}
		return p.unwanted(call, transport.CodeFailedPrecondition,
			fmt.Errorf("the result of %s is an iterator: use service.%s", call.Method, instead))
	}
	if call.Oneway && !reply.Value.Encoded() {
		return nil
	}
	if err := reply.Value.Decode(dst); err != nil {
		return p.unwanted(call, transport.CodeInvalidArgument, fmt.Errorf("result of %s: %w", call.Method, err))
	}
	return nil
}

// unwanted is the error for a result that is not what the caller asked for.
func (p *Proxy) unwanted(call *transport.Call, code transport.Code, err error) error {
	peer := ""
	if call.Peer != nil {
		peer = call.Peer.String()
	}
	return transport.Wrap(code, err).During(call.Describe(), p.URI().String(), peer)
}

// Do calls a method, with arguments as [Call] has them, and drops its result, whatever that is. It waits for
// the call all the same, unless the object says that the method is one-way, or [AsOneway] does.
func Do(ctx context.Context, p *Proxy, method string, args ...any) error {
	call := &transport.Call{Method: method}
	arguments(call, args)
	reply, err := p.do(ctx, call)
	if err != nil {
		return err
	}
	if reply.StreamID != "" {
		return p.closeStream(ctx, call, reply.StreamID)
	}
	reply.Release()
	return nil
}

// Get returns the value of an attribute, decoded into a T as [Call] does it; one that is a remote iterator is for
// [GetStream].
func Get[T any](ctx context.Context, p *Proxy, attr string) (T, error) {
	var result T
	call := &transport.Call{Kind: transport.GetAttr, Method: attr}
	reply, err := p.do(ctx, call)
	if err != nil {
		return result, err
	}
	return result, p.decode(ctx, reply, call, &result)
}

// Set sets an attribute. The error is that of [Call]: what the setter raised has Remote set.
func Set(ctx context.Context, p *Proxy, attr string, value any) error {
	call := &transport.Call{Kind: transport.SetAttr, Method: attr}
	call.Args.Positional = []any{value}
	reply, err := p.do(ctx, call)
	if err == nil {
		reply.Release()
	}
	return err
}

// closeTimeout limits the message that ends a remote iterator, when its reader's context is over.
const closeTimeout = 2 * time.Second

// Stream calls a method and walks the remote iterator that it returns, each item decoded into a T. A
// method that returns a list, as Pyro's serpent makes of some iterables, is walked all the same. The
// error, if any, is the last thing that it yields. Ending the loop early closes the iterator on the
// server.
func Stream[T any](ctx context.Context, p *Proxy, method string, args ...any) iter.Seq2[T, error] {
	return stream[T](ctx, p, func() *transport.Call {
		call := &transport.Call{Method: method}
		arguments(call, args)
		return call
	})
}

// GetStream is Stream for an attribute whose value is a remote iterator.
func GetStream[T any](ctx context.Context, p *Proxy, attr string) iter.Seq2[T, error] {
	return stream[T](ctx, p, func() *transport.Call {
		return &transport.Call{Kind: transport.GetAttr, Method: attr}
	})
}

// stream walks what a call returns, which is made anew each time that the sequence is walked.
func stream[T any](ctx context.Context, p *Proxy, newCall func() *transport.Call) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		call := newCall()
		reply, err := p.do(ctx, call)
		if err != nil {
			yield(zero, err)
			return
		}
		if reply.StreamID == "" {
			yieldList(ctx, p, reply, call, yield)
			return
		}
		id := reply.StreamID
		reply.Release()
		p.walk(ctx, id, call, func(item *transport.Reply, err error) bool {
			if err != nil {
				return yield(zero, err)
			}
			var v T
			if err := p.decode(ctx, item, call, &v); err != nil {
				yield(zero, err)
				return false
			}
			return yield(v, nil)
		})
	}
}

func yieldList[T any](ctx context.Context, p *Proxy, reply *transport.Reply, call *transport.Call, yield func(T, error) bool) {
	var list []T
	if err := p.decode(ctx, reply, call, &list); err != nil {
		var zero T
		yield(zero, err)
		return
	}
	for _, v := range list {
		if !yield(v, nil) {
			return
		}
	}
}

// walk fetches items until the iterator ends, an error comes, or each returns false.
func (p *Proxy) walk(ctx context.Context, id string, made *transport.Call, each func(*transport.Reply, error) bool) {
	for {
		call := &transport.Call{
			Kind: transport.StreamItem, Method: made.Method, StreamID: id, Timeout: made.Timeout,
			Ahead: made.Ahead, Serializer: made.Serializer, OnReply: made.OnReply,
		}
		item, err := p.do(ctx, call)
		if err != nil {
			if e := transport.AsError(err); !e.Remote {
				p.closeStreamLate(ctx, made, id)
			}
			each(nil, err)
			return
		}
		if item.Done {
			item.Release()
			return
		}
		if !each(item, nil) {
			p.closeStreamLate(ctx, made, id)
			return
		}
	}
}

// closeStreamLate closes a remote iterator although its reader's context may be over. What goes wrong
// is nobody's business: the server drops the iterator by itself in time.
func (p *Proxy) closeStreamLate(ctx context.Context, made *transport.Call, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = p.closeStream(ctx, made, id)
}

// closeStream sends the end of the remote iterator that the call made returned.
func (p *Proxy) closeStream(ctx context.Context, made *transport.Call, id string) error {
	_, err := p.do(ctx, &transport.Call{Kind: transport.StreamClose, Method: made.Method, StreamID: id, Oneway: true})
	return err
}
