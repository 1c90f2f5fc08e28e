package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/config/program"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

type runOptions struct {
	configOptions
	watch, check bool
}

func newRunCmd(f *factory, run func(context.Context, *factory, *runOptions) error) *cobra.Command {
	opts := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Run what a configuration describes: a server, a name server",
		Long: `Runs what a configuration describes: a server with its services and middlewares, a name server, and a listener for those
who look after it. When all of it answers it prints READY WHAT URI for each place: ns, a name server, for each listener;
server, for each service on each listener; admin.

SIGHUP has the configuration read again, and so has a change of its files with --watch: limits, chains, services and the
log change at once, what needs a restart is logged, and with an error in it all stays as it was. SIGINT and SIGTERM end it
with exit code 0, once the calls that run are finished; a signal half a second later ends it at once. A wrong configuration, or a file in
it that cannot be used, exits with 2 and names each error with its place; an address that cannot be listened on with 4.

` + configFiles,
		Example: `  cat > site.yaml <<END
  admin: {address: localhost:9180}
  server:
    listeners: [{address: localhost:4242}]
    limits: {max_message_size: 16MiB}
    chain:
      - recovery
      - correlation
      - metrics
      - logging
      - token_auth: {principals: {shop: "${SHOP_TOKEN}"}}
      - rate_limit: {rules: [{rate: 100}]}
  services:
    - name: example.echo
      echo: {}
  END
  SHOP_TOKEN=$(openssl rand -hex 32) pyroctl run --watch site.yaml`,
		Annotations: map[string]string{offline: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.files = args
			return run(cmd.Context(), f, opts)
		},
	}
	opts.register(cmd.Flags())
	cmd.Flags().BoolVar(&opts.watch, "watch", false, "read the configuration again when its files change, as reload.watch has it")
	cmd.Flags().BoolVar(&opts.check, "check", false, "only say what is wrong with the configuration, as config check does")
	completeConfigFiles(cmd)
	return cmd
}

func runConfig(ctx context.Context, f *factory, opts *runOptions) error {
	if len(opts.files) == 0 && f.flags.configFile != "" {
		return usagef("--config says how commands connect: pyroctl run %s runs it", f.flags.configFile)
	}
	if opts.check {
		return configCheck(ctx, f, &configCheckOptions{configOptions: opts.configOptions, toRun: true})
	}
	if opts.watch {
		opts.assignments = append(opts.assignments, "reload.watch=true")
	}
	if f.flags.verbose {
		opts.assignments = append(opts.assignments, "log.level=debug")
	}
	if err := opts.named(); err != nil {
		return err
	}
	p, err := program.New(opts.files, //nolint:contextcheck // it connects to nothing yet
		program.Load(config.Set(opts.assignments...)),
		program.Streams(f.io.out, f.io.err),
		program.OnReady(func(at []program.Address) {
			for _, a := range at {
				fmt.Fprintf(f.io.out, "READY %s %s\n", a.What, pyro.Printable(a.URI))
			}
		}),
	)
	if err != nil {
		return &configError{f.allWrong("run "+opts.name(), err)}
	}
	if !isToRun(p.Config()) {
		return &configError{errors.Join(nothingToRun(opts.name()), p.Close())} //nolint:contextcheck // nothing was started
	}
	err = p.Run(ctx)
	if wrong, ok := errors.AsType[config.Errors](err); ok {
		return &configError{f.allWrong("run "+opts.name(), wrong)}
	}
	return err
}

// isToRun tells whether there is something to run, and not only what connects.
func isToRun(c *configv1.Config) bool {
	return c.GetServer() != nil || len(c.GetServices()) > 0 || c.GetNameServer() != nil
}

func nothingToRun(name string) error {
	return fmt.Errorf("run %s: nothing to run: want server, services or name_server", name)
}

// allWrong prints all but the only error with a configuration on lines of their own.
func (f *factory) allWrong(what string, err error) error {
	wrong, ok := errors.AsType[config.Errors](err)
	if !ok || len(wrong) == 1 {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, e := range wrong {
		fmt.Fprintln(f.io.err, e)
	}
	return &printedError{wrong, fmt.Sprintf("%s: %s", what, counted(len(wrong), "error"))}
}

// A printedError says in short what was printed before.
type printedError struct {
	error

	short string
}

func (e *printedError) Error() string { return e.short }

func (e *printedError) Unwrap() error { return e.error }
