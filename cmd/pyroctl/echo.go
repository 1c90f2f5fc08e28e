package main

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// echoName is the name of Pyro's test echo server.
const echoName = "test.echoserver"

// echoSlow is how long its slow methods take.
const echoSlow = 5 * time.Second

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
		Long: `Runs the echo server that Pyro4 and Pyro5 bring for tests, under its own name, ` + echoName + `. It registers
that name as soon as a name server is there, and again when that one came back empty.`,
		Example: `  pyroctl echo serve &
  pyroctl call PYRONAME:` + echoName + ` echo '{"k": [1, 2.5, "x"]}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f, opts) },
	}
	opts.register(cmd.Flags(), defaultHost(), 0)
	cmd.Flags().BoolVar(&opts.noNS, "no-ns", false, "register with no name server")
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	e := &echo{f: f, shutdown: stop}
	if err := srv.Add(e.service()); err != nil {
		return err
	}
	return f.serve(ctx, srv, "echo", echoName, nil)
}

// echo is Pyro's test echo server (Pyro5.utils.echoserver, Pyro4.test.echoserver).
type echo struct {
	f        *factory
	shutdown func()
	verbose  atomic.Bool
}

func (e *echo) service() *service.Service {
	s := service.New(echoName)
	s.Method("echo", e.echo, service.Params("message"))
	s.Method("error", e.fail)
	s.Method("error_with_text", func() error { return transport.NewError("ValueError", "the message of the error") })
	s.Method("oneway_echo", e.echo, service.Oneway(), service.Params("message"))
	s.Method("oneway_slow", slow, service.Oneway())
	s.Method("slow", slow)
	s.Method("generator", func() iter.Seq[string] { return slices.Values([]string{"one", "two", "three"}) })
	s.Method("nan", math.NaN)
	s.Method("inf", func() float64 { return math.Inf(1) })
	s.Method("__dunder__", func() string { return "should be allowed (dunder)" })
	s.Method("shutdown", e.shutdown)
	s.Property("verbose", e.verbose.Load, e.verbose.Store)
	return s
}

// echo returns the message as it came: nothing is decoded, so nothing can change.
func (e *echo) echo(ctx context.Context, message codec.Value) codec.Value {
	if e.verbose.Load() {
		peer := transport.FromContext(ctx).Peer
		v, err := message.Any()
		e.f.log.Warn("echo", "from", peer.String(), "serializer", peer.Codec, "message", v, "error", err)
	}
	return message
}

// fail raises the error in the words that the caller's Pyro has for it.
func (e *echo) fail(ctx context.Context) error {
	text := "this is the generated error from echoserver echo() method"
	if transport.FromContext(ctx).Peer.Dialect == codec.Pyro4 {
		text = "expected error from echoserver error() method"
	}
	return transport.NewError("ValueError", text)
}

func slow(ctx context.Context) (string, error) {
	select {
	case <-time.After(echoSlow):
		return "Finally, an answer!", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
