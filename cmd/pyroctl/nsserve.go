package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
	"github.com/pyrokit/pyrokit/internal/sdnotify"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/service/nameserver/metrics"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

type nsServeOptions struct {
	serveFlags

	storage      string
	bcHost       string
	bcPort       int
	silent       bool // no answers to broadcasts
	cleanSeconds secondsFlag
	metrics      string
}

func newNSServeCmd(f *factory, run func(context.Context, *factory, *nsServeOptions) error) *cobra.Command {
	opts := &nsServeOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a name server",
		Long: `Runs a name server for Pyro4 and Pyro5 clients on the same port, and prints READY ns URI as soon as it answers.

Entries are kept in memory, in an SQLite file (sql:FILE) or in a dbm file (dbm:FILE), the files of Python's name
servers included. Dbm files keep no metadata. Unless it is on localhost, on IPv6 or on a unix socket, it answers those
who look for a name server by broadcast. PYRO_NS_HOST, PYRO_NS_PORT, PYRO_NS_BCHOST, PYRO_NS_BCPORT and
PYRO_NS_AUTOCLEAN count where flags do not say otherwise. Warnings are logged, and so is each name that --autoclean, or
the end of a lease, removes; -v also logs who registers, looks up and removes what.

As a service, with limits, or where not everybody may register, it is run by a configuration: pyroctl run FILE.`,
		Example: `  pyroctl ns serve
  pyroctl ns serve --host 0.0.0.0 --storage sql:names.sqlite --autoclean 30
  pyroctl ns serve --host 0.0.0.0 --nathost names.example.org`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{meaningless: "config,credential-env,dialect,ns,serializer,timeout,tls-server-name"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.fromEnv(cmd.Flags()); err != nil {
				return err
			}
			if err := opts.check(); err != nil {
				return err
			}
			return run(cmd.Context(), f, opts)
		},
	}
	opts.register(cmd.Flags(), envOr("PYRO_NS_HOST", defaultHost()), pyro.DefaultNSPort)
	opts.registerNAT(cmd.Flags())
	opts.registerOwn(cmd.Flags())
	onlyOneAddress(cmd)
	cmd.MarkFlagsMutuallyExclusive("unix", "nathost")
	_ = cmd.RegisterFlagCompletionFunc("storage",
		cobra.FixedCompletions([]string{"memory", "sql:", "dbm:"}, noFiles|cobra.ShellCompDirectiveNoSpace))
	return cmd
}

func (o *nsServeOptions) registerOwn(fs *pflag.FlagSet) {
	fs.StringVar(&o.storage, "storage", "memory", "where entries are kept, `KIND[:FILE]`: memory, sql:FILE or dbm:FILE")
	fs.StringVar(&o.bcHost, "bchost", os.Getenv("PYRO_NS_BCHOST"), "`address` to answer broadcasts on (default all)")
	fs.IntVar(&o.bcPort, "bcport", pyro.DefaultNSPort+1, "UDP `port` to answer broadcasts on; 0 for any")
	fs.BoolVar(&o.silent, "no-broadcast", false, "do not answer broadcasts")
	fs.Var(&o.cleanSeconds, "autoclean",
		"look every so many `seconds` whether what is registered can be connected to, and remove it after 20 seconds; 0 for never")
	fs.StringVar(&o.metrics, "metrics", "", "`HOST:PORT` to serve metrics on, for Prometheus, at /metrics")
}

// secondsFlag is a flag: a number, as Pyro's users write it, or a duration, as the other flags want it.
type secondsFlag float64

func (s *secondsFlag) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }

func (*secondsFlag) Type() string { return "seconds" }

func (s *secondsFlag) Set(text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err == nil {
		*s = secondsFlag(n)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("want seconds, or a duration such as 1m30s")
	}
	*s = secondsFlag(d.Seconds())
	return nil
}

// fromEnv reads the variables that Pyro's users know, for flags that were not given.
func (o *nsServeOptions) fromEnv(fs *pflag.FlagSet) error {
	if err := portFromEnv(fs, "port", "PYRO_NS_PORT", &o.port); err != nil {
		return err
	}
	if err := portFromEnv(fs, "bcport", "PYRO_NS_BCPORT", &o.bcPort); err != nil {
		return err
	}
	if v := os.Getenv("PYRO_NS_AUTOCLEAN"); v != "" && !fs.Changed("autoclean") {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return usagef("PYRO_NS_AUTOCLEAN=%s: want seconds", v)
		}
		o.cleanSeconds = secondsFlag(n)
	}
	return nil
}

func portFromEnv(fs *pflag.FlagSet, flag, variable string, to *int) error {
	v := os.Getenv(variable)
	if v == "" || fs.Changed(flag) {
		return nil
	}
	port, err := strconv.Atoi(v)
	if err != nil {
		return usagef("%s=%s: want a port from 0 to 65535", variable, v)
	}
	*to = port
	return nil
}

// check refuses what is wrong with the flags, before a file is made for them.
func (o *nsServeOptions) check() error {
	switch {
	case o.storage == "": // as scripts have it whose variable is empty: it would keep nothing
		return usagef("--storage: is empty: want memory, sql:FILE or dbm:FILE")
	case o.bcPort < 0 || o.bcPort > 65535:
		return usagef("--bcport %d: want a port from 0 to 65535", o.bcPort)
	case !(o.cleanSeconds >= 0 && o.cleanSeconds <= 1e9): // NaN is neither
		return usagef("--autoclean %v: want seconds", o.cleanSeconds)
	case o.cleanSeconds > 0 && o.cleanSeconds < 3:
		return usagef("NS_AUTOCLEAN cannot be smaller than 3")
	}
	if _, _, err := net.SplitHostPort(o.metrics); o.metrics != "" && err != nil {
		return usagef("--metrics %s: want HOST:PORT", o.metrics)
	}
	return nil
}

// options are those of the name server, its storage aside.
func (o *nsServeOptions) options(ctx context.Context, f *factory) ([]nameserver.Option, error) {
	server, err := f.serverOptions(&o.serveFlags)
	if err != nil {
		return nil, err
	}
	opts := []nameserver.Option{
		nameserver.Logger(f.log), nameserver.Server(server...),
		nameserver.Autoclean(time.Duration(o.cleanSeconds * secondsFlag(time.Second))),
	}
	switch {
	case f.flags.tls.enabled():
		inside := o.serveFlags
		inside.natHost, inside.natPort = "", 0
		l, err := inside.listenTLS(ctx, &f.flags.tls)
		if err != nil {
			return nil, err
		}
		opts = append(opts, nameserver.ListenOn(l))
	case o.unix != "":
		opts = append(opts, nameserver.Listen("unix", o.unix))
	default:
		opts = append(opts, nameserver.Listen("tcp", o.address()))
	}
	if o.natHost != "" {
		opts = append(opts, nameserver.NAT(o.natHost, o.natPort))
	}
	if !o.silent {
		opts = append(opts, nameserver.Broadcast(net.JoinHostPort(o.bcHost, strconv.Itoa(o.bcPort))))
	}
	return opts, nil
}

func openStorage(spec string) (storage.Storage, error) {
	store, err := open.Storage(spec)
	if err == nil {
		return store, nil
	}
	if _, ok := errors.AsType[*open.TypeError](err); ok {
		return nil, usagef("--storage: %w: want memory, sql:FILE or dbm:FILE", err)
	}
	hint := "" // it says itself what is wrong
	if errors.Is(err, fs.ErrNotExist) {
		hint = "the file is made if it is not there, but its folder has to be"
	}
	return nil, withHint(usagef("--storage %s: %w", spec, err), hint)
}

// newFile returns the file that a storage is going to make; empty if it is there, or there is none.
func newFile(spec string) string {
	kind, file, _ := strings.Cut(spec, ":")
	if kind == "dbm" {
		if found, err := dbm.Which(file); err != nil || found != dbm.None {
			return ""
		}
		return file
	}
	if _, err := os.Stat(file); err == nil {
		return ""
	}
	return file
}

func nsServe(ctx context.Context, f *factory, opts *nsServeOptions) (err error) {
	file := newFile(opts.storage)
	store, err := openStorage(opts.storage)
	if err != nil {
		return err
	}
	if file != "" { // who mistypes the name of one is to know why it is empty
		fmt.Fprintf(f.io.err, "%s is new.\n", shown(file))
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	options, err := opts.options(ctx, f)
	if err != nil {
		return err
	}
	ns := nameserver.New(append(options, nameserver.Storage(store))...)
	if err := ns.Start(ctx); err != nil {
		return err
	}
	if err := f.nsReady(ctx, ns, opts); err != nil {
		return errors.Join(err, f.stop(ctx, err, ns.Shutdown))
	}
	f.tellSystemd(sdnotify.Ready)
	return f.wait(ctx, ns.Server(), ns.Shutdown)
}

// nsReady says that the name server answers, and what Python's say at their start.
func (f *factory) nsReady(ctx context.Context, ns *nameserver.NameServer, opts *nsServeOptions) error {
	count, err := ns.Count(ctx)
	if err != nil {
		return err
	}
	if count > 1 { // its own is one
		fmt.Fprintf(f.io.err, "Persistent store contains %d existing registrations.\n", count)
	}
	if strings.HasPrefix(opts.storage, "dbm:") {
		fmt.Fprintln(f.io.err, "Warning: dbm files keep no metadata. What is registered with some has none.")
	}
	if at := ns.BroadcastAddr(); at != nil {
		fmt.Fprintf(f.io.err, "Broadcast server running on %s\n", at)
	}
	if opts.metrics != "" {
		at, err := metrics.Serve(ctx, opts.metrics, ns)
		if err != nil {
			return err
		}
		fmt.Fprintf(f.io.err, "metrics: http://%s/metrics\n", at)
	}
	if opts.natHost != "" {
		fmt.Fprintf(f.io.err, "internal URI = %s\n", ns.InternalURI())
	}
	_, err = fmt.Fprintf(f.io.out, "READY ns %s\n", pyro.Printable(ns.URI().String()))
	return err
}
