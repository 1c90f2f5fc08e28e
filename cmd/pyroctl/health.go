package main

import (
	"context"
	"fmt"
	"io"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A health is what a server says of itself, or of one of its services.
type health struct {
	*remote
	service string // empty: the whole server
}

// pingHealth asks a server how it is.
func pingHealth(ctx context.Context, f *factory, opts *pingOptions) error {
	h, err := f.healthOf(ctx, opts)
	if err != nil {
		return err
	}
	defer h.Close()
	if opts.watch {
		return h.watch(ctx)
	}
	reply, err := h.do(ctx, h.call("check"))
	if e := transport.AsError(err); err != nil && e.Remote && e.Code == transport.CodeNotFound {
		return transport.Errorf(transport.CodeNotFound, "%s: the server has no service of this name", h)
	}
	if err != nil {
		return err
	}
	status, err := statusOf(reply)
	if err == nil {
		err = h.f.printDocument(h.document(status), h.line(status))
	}
	if err == nil && status != service.Serving {
		err = transport.Errorf(transport.CodeFailedPrecondition, "%s: not serving", h)
	}
	return err
}

// healthOf connects to the health object of the server that a target stands for. The service is what --service says,
// or that of a URI.
func (f *factory) healthOf(ctx context.Context, opts *pingOptions) (*health, error) {
	r, err := f.target(opts.target)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	limited, cancel := f.limited(ctx)
	defer cancel()
	at, err := f.resolve(limited, r.uri)
	if err != nil {
		return nil, err
	}
	name := opts.service
	if name == "" && at.Object != pyro.DaemonObject {
		name = at.Object
	}
	at.Object = service.HealthObject
	if r, err = f.connectTo(at); err != nil {
		return nil, err
	}
	_, err = r.about(ctx)
	if e := transport.AsError(err); err != nil && !e.Remote && e.Code == transport.CodeNotFound {
		err = transport.Errorf(transport.CodeNotFound,
			"%s: a daemon answers there, but it has no health object, as Python's have none", at.Location())
	}
	if err != nil {
		_ = r.Close() // what went wrong before says more
		return nil, err
	}
	return &health{r, name}, nil
}

// String names what is asked about.
func (h *health) String() string {
	if h.service == "" {
		return h.uri.Location()
	}
	return h.service + " at " + h.uri.Location()
}

// call returns a call about the service.
func (h *health) call(method string) *transport.Call {
	c := &transport.Call{Method: method}
	c.Args.Positional = []any{h.service}
	return c
}

// watch prints the status, and each change, until it is interrupted or the server ends it.
func (h *health) watch(ctx context.Context) error {
	reply, err := h.do(ctx, h.call("watch"))
	if err != nil {
		return err
	}
	id := reply.StreamID
	reply.Release()
	for {
		// A change may be long in coming: --timeout is not for that.
		item, err := h.Call(ctx, &transport.Call{Kind: transport.StreamItem, Method: "watch", StreamID: id})
		if err == nil && item.Done {
			return transport.Errorf(transport.CodeUnavailable, "%s: the server is shutting down", h)
		}
		var status service.HealthStatus
		if err == nil {
			status, err = statusOf(item)
		}
		if err == nil {
			err = h.printChange(status)
		}
		if err != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeStreamTime)
			defer cancel()
			_ = h.CloseStream(end, id) // what went wrong before says more
			return err
		}
	}
}

func statusOf(reply *transport.Reply) (status service.HealthStatus, err error) {
	defer reply.Release()
	if err := reply.Value.Decode(&status); err != nil {
		return "", fmt.Errorf("status: %w", err)
	}
	return status, nil
}

func (h *health) document(status service.HealthStatus) document {
	return codec.NewDict("location", h.uri.Location(), "service", h.service, "status", string(status))
}

func (h *health) line(status service.HealthStatus) func(io.Writer) {
	return func(w io.Writer) { fmt.Fprintf(w, "%s  %s\n", status, h) }
}

func (h *health) printChange(status service.HealthStatus) error {
	if h.f.flags.output == outputYAML {
		return h.f.printItem(valuePrinter{}, h.document(status))
	}
	return h.f.printDocument(h.document(status), h.line(status))
}
