package correlation

import (
	"context"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/transport"
)

// New returns the middleware.
func New() transport.Middleware {
	return transport.Middleware{
		Name:  "correlation",
		Order: transport.Order{Gives: []string{"correlation"}, Once: "correlation"},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Header.CorrelationID == uuid.Nil {
					call.Header.CorrelationID = idFor(ctx)
				}
				if transport.CorrelationID(ctx) != call.Header.CorrelationID {
					ctx = transport.WithCorrelationID(ctx, call.Header.CorrelationID)
				}
				return next(ctx, call)
			}
		},
	}
}

func idFor(ctx context.Context) uuid.UUID {
	if id := transport.CorrelationID(ctx); id != uuid.Nil {
		return id
	}
	return uuid.New()
}

// FromContext returns the correlation id of the call being answered, or that was set for calls to be
// made; the zero UUID if there is none.
func FromContext(ctx context.Context) uuid.UUID { return transport.CorrelationID(ctx) }

// NewContext returns a context whose calls carry id.
func NewContext(ctx context.Context, id uuid.UUID) context.Context {
	return transport.WithCorrelationID(ctx, id)
}
