package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/echo"
)

func newEchoCmd(f *factory) *cobra.Command {
	return newGroup("echo", "Run the test echo server", newEchoServeCmd(f, echoServe))
}

type echoServeOptions struct {
	serveFlags
	noNS bool
}

func newEchoServeCmd(f *factory, run func(context.Context, *factory, *echoServeOptions) error) *cobra.Command {
	opts := &echoServeOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the test echo server",
		Long: `Runs the echo server that Pyro4 and Pyro5 bring for tests, under its own name, ` + echo.Name + `. It registers
that name as soon as a name server is there, and again when that one came back empty.`,
		Example: `  pyroctl echo serve &
  pyroctl call PYRONAME:` + echo.Name + ` echo '{"k": [1, 2.5, "x"]}'`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{meaningless: "credential-env,dialect,serializer"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f, opts) },
	}
	opts.register(cmd.Flags(), defaultHost(), 0)
	cmd.Flags().BoolVar(&opts.noNS, "no-ns", false, "register with no name server")
	onlyOneAddress(cmd)
	return cmd
}

func echoServe(ctx context.Context, f *factory, opts *echoServeOptions) error {
	var extra []service.ServerOption
	if !opts.noNS {
		cfg, err := f.dialConfig()
		if err != nil {
			return err
		}
		cfg.Values = codec.Options{}
		extra = append(extra, service.Announce(nameserver.Registrar(cfg, f.flags.nameServers...)))
	}
	srv, err := f.newServer(ctx, &opts.serveFlags, extra...)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	shutdown := func() { stop(errors.New("a caller has ended it")) }
	if err := srv.Add(echo.New(echo.Config{Shutdown: shutdown, Log: f.log})); err != nil {
		return err
	}
	return f.serve(ctx, srv, "echo", echo.Name, nil)
}
