package recovery_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/recovery"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		text   string
		end    transport.End
		want   string
		logged bool
	}{
		{`{}`, transport.ServerEnd, "internal error", false}, // the server logs it
		{`{}`, transport.ClientEnd, "internal error", true},
		{`{"expose_text": true}`, transport.ServerEnd, "panic: sesame", false},
	}
	for _, tt := range tests {
		var log bytes.Buffer
		env := middleware.Env{End: tt.end, Log: slog.New(slog.NewTextHandler(&log, nil))}
		made, err := recovery.FromConfig(configtest.Message(t, &configv1.Recovery{}, tt.text), env)
		require.NoError(t, err)
		_, err = made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { panic("sesame") })(
			t.Context(), &transport.Call{})
		require.Equal(t, tt.want, transport.AsError(err).Message)
		require.Equal(t, tt.logged, bytes.Contains(log.Bytes(), []byte("sesame")))
	}
}
