package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	nsclient "github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// A name server that is nowhere but where the broadcast's answer says.
func TestNameServerIsFoundByBroadcastWhenNamesAreLookedUp(t *testing.T) {
	ns := nameserver.New()
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(t.Context())) }()
	uri := srv.URI(nameserver.ObjectName)
	require.NoError(t, ns.RegisterSelf(uri))
	port := answerBroadcast(t, uri.String())

	t.Setenv("PYRO_NS_HOST", "127.0.0.1")
	t.Setenv("PYRO_NS_PORT", "1")
	t.Setenv("PYRO_NS_BCPORT", strconv.Itoa(port))
	t.Setenv("PYRO_BROADCAST_ADDRS", "127.0.0.1")
	var stderr bytes.Buffer
	f := &factory{io: testStreams(), log: slog.New(slog.DiscardHandler)}
	f.io.err = &stderr
	f.flags.timeout = 5 * time.Second
	var err error
	f.env, err = pyroenv.Read(lookupEnv)
	require.NoError(t, err)

	found, err := f.findNameServer(t.Context())
	require.NoError(t, err)
	require.Equal(t, uri, found.URI())
	require.Contains(t, stderr.String(), uri.String(), "it says who answered")
	require.NoError(t, found.Close())

	_, err = f.nameServer(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable, "who changes names does not ask the network")
	_, err = f.findNameServer(t.Context(), "127.0.0.1:1")
	require.ErrorIs(t, err, transport.ErrUnavailable, "a name server that was named is the only one")
	f.flags.noBroadcast = true
	_, err = f.findNameServer(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable)
}

// answerBroadcast answers requests with uri until the test ends, and returns its port.
func answerBroadcast(t *testing.T, uri string) int {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for {
			_, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo([]byte(uri), from)
		}
	}()
	addr, ok := conn.LocalAddr().(*net.UDPAddr)
	require.True(t, ok)
	return addr.Port
}

func TestTheCredentialIsSaidInTheHandshake(t *testing.T) {
	tokens := auth.Tokens(map[string]string{"alice": "sesame"})
	s := service.New("guarded").Method("who", auth.Principal)
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Use(auth.Verify(tokens)))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(t.Context())) }()
	f := &factory{io: testStreams(), log: slog.New(slog.DiscardHandler)}
	f.flags.timeout, f.flags.serializer = 5*time.Second, "serpent"
	call := func() (any, error) {
		r, err := f.connect(srv.URI("guarded").String())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.value(t.Context(), &transport.Call{Method: "who"})
	}
	_, err := call()
	require.ErrorIs(t, err, transport.ErrUnauthenticated)
	f.flags.credentialEnv = "PYROKIT_TEST_TOKEN"
	_, err = call()
	require.ErrorContains(t, err, "PYROKIT_TEST_TOKEN is empty or not set")
	t.Setenv("PYROKIT_TEST_TOKEN", "sesame")
	who, err := call()
	require.NoError(t, err)
	require.Equal(t, "alice", who)
}

// A name server is told the credential by commands that are about it, and by no other: those look up whom to tell it.
func TestANameServerIsToldTheCredentialThatIsForIt(t *testing.T) {
	ns := nameserver.New()
	tokens := auth.Tokens(map[string]string{"alice": "sesame"})
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Use(auth.Verify(tokens)))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(t.Context())) }()
	require.NoError(t, ns.RegisterSelf(srv.URI(nameserver.ObjectName)))

	f := &factory{io: testStreams(), log: slog.New(slog.DiscardHandler)}
	f.flags.timeout, f.flags.serializer = 5*time.Second, "serpent"
	f.flags.nameServers = []string{srv.URI("").Location()}
	_, err := f.nameServer(t.Context())
	require.ErrorContains(t, err, "authentication failed")

	f.flags.credentialEnv = "PYROKIT_TEST_TOKEN"
	t.Setenv("PYROKIT_TEST_TOKEN", "sesame")
	own, err := f.nameServer(t.Context())
	require.NoError(t, err)
	require.NoError(t, own.Close())
	require.NoError(t, f.lookUp(t.Context(), func(ctx context.Context, found *nsclient.Client) error {
		_, err := found.List(ctx, nsclient.Filter{})
		return err
	}))
	_, err = f.findNameServer(t.Context(), f.flags.nameServers...)
	require.ErrorContains(t, err, "authentication failed")
}
