package main

import (
	"context"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

type nsServeOptions struct{ serveFlags }

func newNSServeCmd(f *factory, run func(context.Context, *factory, *nsServeOptions) error) *cobra.Command {
	opts := &nsServeOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a name server",
		Long: `Runs a name server for Pyro4 and Pyro5 clients on the same port. It keeps its entries in memory, and
prints READY ns URI as soon as it answers.`,
		Example: `  pyroctl ns serve
  pyroctl ns serve --host 0.0.0.0 --nathost names.example.org`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f, opts) },
	}
	port := pyro.DefaultNSPort
	if n, err := strconv.Atoi(os.Getenv("PYRO_NS_PORT")); err == nil {
		port = n
	}
	opts.register(cmd.Flags(), envOr("PYRO_NS_HOST", defaultHost()), port)
	opts.registerNAT(cmd.Flags())
	return cmd
}

func nsServe(ctx context.Context, f *factory, opts *nsServeOptions) error {
	srv, err := f.newServer(ctx, &opts.serveFlags)
	if err != nil {
		return err
	}
	ns := nameserver.New()
	if err := srv.Add(ns.Service()); err != nil {
		return err
	}
	started := func() { ns.RegisterSelf(srv.URI(nameserver.ObjectName)) }
	return f.serve(ctx, srv, "ns", nameserver.ObjectName, started)
}
