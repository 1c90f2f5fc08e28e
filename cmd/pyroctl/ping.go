package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

type pingOptions struct {
	target  string
	count   int
	health  bool
	service string
	watch   bool
}

func newPingCmd(f *factory, run func(context.Context, *factory, *pingOptions) error) *cobra.Command {
	opts := &pingOptions{}
	cmd := &cobra.Command{
		Use:   "ping URI|HOST:PORT",
		Short: "Measure round trips, or ask a server how it is",
		Long: `Sends ping messages, one after the other over one connection, and tells how long the answers took. The
daemon answers them by itself: no object is called.

With --health it asks a server of pyrokit whether it is serving: of a URI the service, of HOST:PORT the whole
server. The exit code is 0 if it is, 1 if not, 3 if there is no such service, or a daemon that has no health object, as
Python's have none, and 4 if nobody answers.`,
		Example: `  pyroctl ping localhost:9090
  pyroctl ping PYRONAME:test.echoserver -c 1000
  pyroctl ping localhost:9090 --health
  pyroctl ping PYRONAME:example.greeting --health --watch -o json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeObjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.target = args[0]
			if opts.count < 1 {
				return usagef("--count %d: want at least 1", opts.count)
			}
			if !opts.health && (opts.service != "" || opts.watch) {
				return usagef("--service and --watch go together with --health")
			}
			return run(cmd.Context(), f, opts)
		},
	}
	fs := cmd.Flags()
	fs.IntVarP(&opts.count, "count", "c", 10, "send `N` pings")
	fs.BoolVar(&opts.health, "health", false, "ask whether the server is serving")
	fs.StringVar(&opts.service, "service", "", "with --health: ask about the service of this `name`")
	fs.BoolVar(&opts.watch, "watch", false, "with --health: print each change, until interrupted")
	return cmd
}

func ping(ctx context.Context, f *factory, opts *pingOptions) error {
	if opts.health {
		return pingHealth(ctx, f, opts)
	}
	r, err := f.target(opts.target)
	if err != nil {
		return err
	}
	defer r.Close()
	a, err := r.about(ctx)
	if err != nil {
		return err
	}
	times := make([]time.Duration, 0, opts.count)
	for range opts.count {
		begin := time.Now()
		if _, err := r.do(ctx, &transport.Call{Kind: transport.Ping}); err != nil {
			return err
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	low, median, p99 := times[0], percentile(times, 50), percentile(times, 99)
	doc := codec.NewDict(
		"uri", a.uri.String(),
		"dialect", a.peer.Dialect.String(),
		"count", len(times),
		"min_ms", milliseconds(low),
		"median_ms", milliseconds(median),
		"p99_ms", milliseconds(p99),
	)
	return f.printDocument(doc, func(w io.Writer) {
		fmt.Fprintf(w, "%d round trips to %s (%s): min %v, median %v, p99 %v\n",
			len(times), a.uri, a.peer.Dialect, low, median, p99)
	})
}

// target is an object by its URI, or a daemon by its location.
func (f *factory) target(s string) (*remote, error) {
	if scheme, _, _ := strings.Cut(s, ":"); strings.HasPrefix(strings.ToUpper(scheme), "PYRO") {
		return f.connect(s)
	}
	return f.daemonAt(s)
}

// percentile takes from sorted times the one that p percent are not above.
func percentile(times []time.Duration, p int) time.Duration {
	return times[max(0, (len(times)*p+99)/100-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
