package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
)

// healthy starts a server of the object "app".
func healthy(t *testing.T, opts ...service.ServerOption) *service.Server {
	t.Helper()
	srv := service.NewServer(append(opts, service.Listen("tcp", "127.0.0.1:0"), service.Logger(slog.New(slog.DiscardHandler)))...)
	require.NoError(t, srv.Add(service.New("app").Method("m", func() {})))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	return srv
}

// completed returns a factory without flags.
func completed(t *testing.T, io *streams) *factory {
	t.Helper()
	f := &factory{io: io}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	return f
}

func TestAServerThatIsNotServing(t *testing.T) {
	srv := healthy(t)
	srv.Health().Set("app", service.NotServing)
	for target, want := range map[string]string{
		srv.URI("app").String():   "NOT_SERVING  app at " + srv.URI("").Location() + "\n",
		srv.URI("").Location():    "NOT_SERVING  " + srv.URI("").Location() + "\n",
		srv.URI("other").String(): "",
	} {
		var out bytes.Buffer
		f := completed(t, &streams{out: &out})
		err := pingHealth(t.Context(), f, &pingOptions{target: target})
		require.Equal(t, want, out.String())
		if want == "" {
			require.Equal(t, exitNotFound, exitCode(err))
			continue
		}
		require.ErrorContains(t, err, "not serving")
		require.Equal(t, exitFailed, exitCode(err))
	}
}

func TestAServerWithoutAHealthObject(t *testing.T) {
	srv := healthy(t, service.NoHealth())
	for _, watch := range []bool{false, true} {
		f := completed(t, testStreams())
		err := pingHealth(t.Context(), f, &pingOptions{target: srv.URI("").Location(), watch: watch})
		require.ErrorContains(t, err, "a daemon answers there, but it has no health object")
		require.Equal(t, exitNotFound, exitCode(err))
	}
}

func TestTheHealthOfAServerThatAsksWho(t *testing.T) {
	tokens := auth.Tokens(map[string]string{"probe": "sesame"})
	srv := healthy(t, service.Use(auth.Verify(tokens)))
	for token, want := range map[string]int{"sesame": exitOK, "guess": exitRefused} {
		t.Setenv("PROBE_TOKEN", token)
		f := completed(t, testStreams())
		f.flags.credentialEnv = "PROBE_TOKEN"
		err := pingHealth(t.Context(), f, &pingOptions{target: srv.URI("app").String()})
		if want == exitOK {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, want, exitCode(err))
	}
}

func TestHealthIsWatched(t *testing.T) {
	srv := healthy(t)
	people, programs := make(chan string, 1), make(chan string, 1)
	text := completed(t, &streams{out: readyWriter{people}})
	jsons := completed(t, &streams{out: readyWriter{programs}})
	jsons.flags.output = outputJSON
	watch := func(ctx context.Context, f *factory) (done <-chan error) {
		ended := make(chan error, 1)
		go func() { ended <- pingHealth(ctx, f, &pingOptions{target: srv.URI("app").String(), watch: true}) }()
		return ended
	}
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := watch(ctx, text)
	ended := watch(t.Context(), jsons)
	at := srv.URI("").Location()
	require.Equal(t, "SERVING  app at "+at+"\n", <-people)
	require.Equal(t, `{"location":"`+at+`","service":"app","status":"SERVING"}`+"\n", <-programs)
	srv.Health().Set("", service.NotServing)
	require.Equal(t, "NOT_SERVING  app at "+at+"\n", <-people)
	require.Contains(t, <-programs, `"NOT_SERVING"`)
	cancel()
	require.ErrorIs(t, <-interrupted, context.Canceled)
	srv.Health().Set("", service.Serving)
	require.Contains(t, <-programs, `"SERVING"`)
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Contains(t, <-programs, `"NOT_SERVING"`)
	err := <-ended
	require.ErrorContains(t, err, "shutting down")
	require.Equal(t, exitUnreachable, exitCode(err))
}
