package main

import (
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
)

var errBroken = errors.New("the network is gone")

// A brokenListener fails at once.
type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

func TestAServerEndsWhenAListenerFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	f := &factory{io: testStreams(), log: quiet}
	srv := service.NewServer(service.ListenOn(brokenListener{l}), service.Logger(quiet))
	err = f.serve(t.Context(), srv, "server", "x", nil)
	require.ErrorIs(t, err, errBroken)
	require.ErrorContains(t, err, "accept on 127.0.0.1:")
}
