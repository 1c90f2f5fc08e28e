package program_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
)

// A started program is one that its test ends.
type started struct {
	*program.Program

	log    *buffer
	cancel context.CancelCauseFunc
	ended  chan error // what Run has returned
}

// start runs a configuration, and one service more.
func start(t *testing.T, text string, own *service.Service) *started {
	t.Helper()
	file := filepath.Join(t.TempDir(), "site.yaml")
	write(t, file, text)
	s := &started{log: &buffer{}, ended: make(chan error, 1)}
	ready := make(chan struct{})
	var err error
	s.Program, err = program.New([]string{file}, program.Streams(io.Discard, s.log),
		program.OnReady(func([]program.Address) { close(ready) }))
	require.NoError(t, err)
	require.NoError(t, s.Server().Add(own))
	ctx, cancel := context.WithCancelCause(t.Context())
	s.cancel = cancel
	t.Cleanup(func() { cancel(nil) })
	go func() { s.ended <- s.Run(ctx) }()
	<-ready
	return s
}

func TestTheLogSaysWhyAProgramStops(t *testing.T) {
	tests := []struct {
		name string
		stop func(*testing.T, *program.Program, context.CancelCauseFunc)
		why  string
	}{
		{
			name: "its context",
			stop: func(_ *testing.T, _ *program.Program, cancel context.CancelCauseFunc) { cancel(nil) },
			why:  "context canceled",
		},
		{
			name: "the cause of its context",
			stop: func(_ *testing.T, _ *program.Program, cancel context.CancelCauseFunc) {
				cancel(errors.New("terminated signal received"))
			},
			why: "terminated signal received",
		},
		{
			name: "a caller",
			stop: func(t *testing.T, p *program.Program, _ context.CancelCauseFunc) {
				t.Helper()
				proxy, err := service.Connect(p.Server().URI("e").String())
				require.NoError(t, err)
				defer proxy.Close()
				require.NoError(t, service.Do(t.Context(), proxy, "shutdown"))
			},
			why: "a caller has ended it",
		},
		{
			name: "the server",
			stop: func(t *testing.T, p *program.Program, _ context.CancelCauseFunc) {
				t.Helper()
				require.NoError(t, p.Server().Shutdown(t.Context()))
			},
			why: "the server has ended by itself",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, "services: [{name: e, echo: {allow_shutdown: true}}]\n", service.New("own"))
			tt.stop(t, s.Program, s.cancel)
			require.NoError(t, <-s.ended)
			require.Regexp(t, `level=INFO msg=stopping why="`+tt.why+`"\n.*level=INFO msg=stopped took=\S+\n$`, s.log.String())
		})
	}
}

func TestTheLogSaysWhatWasCutOff(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	own := service.New("own").Method("wait", func() { entered <- struct{}{}; <-release })
	s := start(t, "server: {drain_timeout: 1ms}\n", own)
	p, err := service.Connect(s.Server().URI("own").String())
	require.NoError(t, err)
	defer p.Close()
	waiting := service.Go[any](t.Context(), p, "wait")
	<-entered
	s.cancel(nil)
	err = <-s.ended
	close(release)
	require.ErrorContains(t, err, "server: 1 call was cut off")
	require.Regexp(t, `level=ERROR msg=stopped took=\S+ error="server: 1 call was cut off: .*"\n$`, s.log.String())
	_, err = waiting.Wait(t.Context())
	require.Error(t, err)
}
