package pyro

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// checkBatch refuses a batch that calls what the metadata does not have: the server would carry out what
// comes before it. What is declared one-way is called like the rest, as in Pyro.
func (c *Client) checkBatch(l *link, call *transport.Call) error {
	if c.unchecked {
		return nil
	}
	for i := range call.Entries {
		name := call.Entries[i].Method
		if m, known := l.members[name]; !known || m.attr {
			op := fmt.Sprintf("call %s (%d of %d in a batch)", name, i+1, len(call.Entries))
			return l.noMember("attribute or method", name, m, known).During(op, l.uri.String(), l.peer.String())
		}
	}
	return nil
}

// batch answers a batch with the list of its results.
func (w *worker) batch(ctx context.Context, f *frame, info *transport.CallInfo, head codec.Head, ser *serializer) (bool, error) {
	results, err := w.runBatch(ctx, info, head, ser)
	answer := codec.ValueOf(results)
	if err == nil && !info.Oneway {
		err = w.expect(ctx, answer)
	}
	info.Room = nil
	w.finish()
	if info.Oneway {
		if n := len(results); n > 0 {
			if ended, ok := results[n-1].(*transport.BatchError); ok {
				err = ended
			}
		}
		w.logOneway(info, err)
		return true, nil
	}
	if err != nil {
		return w.raise(f, &info.Call, err)
	}
	return w.result(f, info, &transport.Reply{Value: answer})
}

// runBatch carries out a batch's calls in order. The exception of a method ends the list as its last
// result; a name that cannot be called fails the whole batch, as an object that is not there does.
func (c *serverConn) runBatch(ctx context.Context, info *transport.CallInfo, head codec.Head, ser *serializer) ([]any, error) {
	results := []any{}
	entries := transport.NewEntries(ctx, &info.Call)
	method := ""                                                 // most batches call one method many times
	for entry, err := range ser.codec.OpenBatch(head, &c.opts) { //nolint:contextcheck // entries have contexts of their own
		if err != nil {
			return nil, unreadable(err)
		}
		if string(entry.Method) != method {
			method = string(entry.Method)
		}
		entryCtx, one := entries.Next(method, transport.EncodedArgs(entry, ser.codec, &c.opts))
		one.Room = info.Room
		reply, err := c.batchEntry(entryCtx, one)
		one.Room = nil
		info.Response = append(info.Response, one.Response...)
		if err == nil {
			var v any
			if v, err = reply.Value.Any(); err != nil {
				return nil, err
			}
			results = append(results, v)
			continue
		}
		if isNowhere(err) {
			return nil, err
		}
		return append(results, &transport.BatchError{Err: transport.AsError(err).Raised()}), nil
	}
	return results, nil
}

// isNowhere reports whether err says that this server has no such object or member.
func isNowhere(err error) bool {
	e, ok := errors.AsType[*transport.Error](err)
	unknownObject := ok && e.Code == transport.CodeNotFound && strings.HasSuffix(e.Class, "DaemonError")
	return ok && !e.Remote && (e.NoSuchMember || unknownObject)
}

func (c *serverConn) batchEntry(ctx context.Context, info *transport.CallInfo) (*transport.Reply, error) {
	switch info.Method {
	case methodGetAttr, methodSetAttr:
		e := transport.NewError("AttributeError", "attempt to access private attribute '"+info.Method+"'")
		e.NoSuchMember = true
		return nil, e
	}
	reply, err := c.carryOut(ctx, info)
	switch {
	case err != nil:
		return nil, err
	case reply == nil:
		return &transport.Reply{}, nil
	case reply.Stream != nil:
		dropStream(reply)
		return nil, transport.NewError("TypeError", "iterators cannot be results in a batch")
	case reply.Done:
		return nil, transport.NewError("StopIteration")
	default:
		return reply, nil
	}
}
