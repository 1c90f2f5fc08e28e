package tracing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/tracing"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// parent is a caller's span.
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// spansOf takes a call through a middleware on a server and returns its spans.
func spansOf(t *testing.T, text string, call transport.Call) []sdk.ReadOnlySpan {
	t.Helper()
	provider, recorder := recording()
	made, err := tracing.FromConfig(configtest.Message(t, &configv1.Tracing{}, text), middleware.Env{}, provider)
	require.NoError(t, err)
	call.Object, call.Method, call.Peer = "o", "m", &transport.Peer{Session: &transport.Session{}}
	call.Header.Annotations.Set(tracing.Key, []byte(parent))
	_, err = made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return nil, errors.New("sesame")
	})(t.Context(), &call)
	require.Error(t, err)
	return recorder.Ended()
}

func TestFromConfig(t *testing.T) {
	item, entry := transport.Call{Kind: transport.StreamItem}, transport.Call{Batch: true}
	tests := []struct {
		text string
		call transport.Call
		want int // spans
	}{
		{`{}`, transport.Call{}, 1},
		{`{}`, item, 0},
		{`{"stream_items": true}`, item, 1},
		{`{}`, entry, 1},
		{`{"no_batch_entries": true}`, entry, 0},
	}
	for _, tt := range tests {
		require.Len(t, spansOf(t, tt.text, tt.call), tt.want, tt.text)
	}

	span := spansOf(t, `{}`, transport.Call{})[0]
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext().TraceID().String())
	require.Equal(t, sdk.Status{Code: codes.Error, Description: "sesame"}, span.Status())
	span = spansOf(t, `{"public_endpoint": true, "no_error_text": true}`, transport.Call{})[0]
	require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext().TraceID().String())
	require.Equal(t, sdk.Status{Code: codes.Error}, span.Status())
}

func TestFromConfigWantsAProvider(t *testing.T) {
	_, err := tracing.FromConfig(&configv1.Tracing{}, middleware.Env{}, nil)
	require.EqualError(t, err, "nothing here takes spans")
}
