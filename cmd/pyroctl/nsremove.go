package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

type nsRemoveOptions struct {
	name        string
	filter      nameserver.Filter
	yes, dryRun bool
}

func newNSRemoveCmd(f *factory, run func(context.Context, *factory, *nsRemoveOptions) error) *cobra.Command {
	opts := &nsRemoveOptions{}
	cmd := &cobra.Command{
		Use:   "remove NAME | --prefix P | --regex R",
		Short: "Remove entries",
		Long: `Removes one entry by its name, or all that --prefix or --regex choose. The name server's own stays.

On a terminal it says how many entries --prefix or --regex choose and asks before it removes them, unless --yes is given.
In scripts, where the standard input is no terminal, it does as it is told. --dry-run lists what would go and removes
nothing. All entries are chosen by --regex '.*'; an empty --prefix is refused, as scripts have it whose variable is empty.`,
		Example: `  pyroctl ns remove example.greeting
  pyroctl ns remove --prefix example. --dry-run`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFilters(cmd.Flags()); err != nil {
				return err
			}
			if len(args) == 1 {
				opts.name = args[0]
			}
			return run(cmd.Context(), f, opts)
		},
	}
	prefixFlag(cmd, f, &opts.filter.Prefix)
	regexFlag(cmd, &opts.filter.Regex)
	cmd.Flags().BoolVarP(&opts.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "list what would be removed, and remove nothing")
	return cmd
}

// checkFilters refuses an empty --prefix or --regex, which chooses all.
func checkFilters(fs *pflag.FlagSet) error {
	for _, name := range []string{"prefix", "regex"} {
		if text, err := fs.GetString(name); err != nil || fs.Changed(name) && text == "" {
			return usagef("--%s: is empty; --regex '.*' chooses all entries", name)
		}
	}
	return nil
}

func nsRemove(ctx context.Context, f *factory, opts *nsRemoveOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	if opts.dryRun {
		entries, err := f.removable(ctx, opts)
		if err != nil {
			return err
		}
		return f.printEntries(entries)
	}
	if opts.name == "" && f.io.asks && !opts.yes {
		if err := f.confirmRemoval(ctx, opts); err != nil {
			return err
		}
	}
	return f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		n, err := removeChosen(ctx, ns, opts)
		if err != nil {
			return err
		}
		return f.printDocument(codec.NewDict("removed", n), func(w io.Writer) { fmt.Fprintf(w, "removed %d\n", n) })
	})
}

// check refuses options that do not say what is to go.
func (o *nsRemoveOptions) check() error {
	filtered := o.filter != (nameserver.Filter{})
	switch {
	case filtered && o.name != "":
		return usagef("a NAME, --prefix and --regex: only one of them")
	case filtered:
		return nil
	case o.name == "":
		return usagef("want a NAME, or --prefix, or --regex")
	case o.name == nameserver.ObjectName: // a name server would say that there is no such name
		return transport.Errorf(transport.CodePermissionDenied, "remove %s: the name server's own name stays", o.name)
	default:
		return checkName(o.name)
	}
}

// removable returns the entries that removeChosen would remove.
func (f *factory) removable(ctx context.Context, opts *nsRemoveOptions) (entries []discovery.Entry, err error) {
	err = f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		if opts.name != "" {
			e, err := ns.Lookup(ctx, opts.name)
			entries = []discovery.Entry{e}
			return err
		}
		entries, err = ns.List(ctx, opts.filter)
		entries = slices.DeleteFunc(entries, func(e discovery.Entry) bool { return e.Name == nameserver.ObjectName })
		return hintAtRegex(err)
	})
	return entries, err
}

// errNotConfirmed ends a command whose question was answered with no. Nothing was done.
var errNotConfirmed = errors.New("remove: not confirmed, nothing was removed")

// confirmRemoval asks whether all entries that the filter chooses are to go. --timeout does not limit the time for the answer.
func (f *factory) confirmRemoval(ctx context.Context, opts *nsRemoveOptions) error {
	entries, err := f.removable(ctx, opts)
	if err != nil || len(entries) == 0 {
		return err
	}
	what := "1 entry, " + shown(entries[0].Name)
	if n := len(entries); n > 1 {
		what = fmt.Sprintf("%d entries, from %s to %s", n, shown(entries[0].Name), shown(entries[n-1].Name))
	}
	fmt.Fprintf(f.io.err, "remove %s? [y/N] ", what)
	in := f.stdin(ctx)
	defer in.Close()
	answer, _ := bufio.NewReader(in).ReadString('\n') // an error is an answer that is not yes
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	default: // the end of the input, too
		return withHint(errNotConfirmed, "--yes does not ask, --dry-run lists what would be removed")
	}
}

// removeChosen removes entries and returns how many. A name that is not there is an error, a filter that chooses nothing is
// none.
func removeChosen(ctx context.Context, ns *nameserver.Client, opts *nsRemoveOptions) (int, error) {
	if opts.name == "" {
		n, err := ns.RemoveMatching(ctx, opts.filter)
		return n, hintAtRegex(err)
	}
	there, err := ns.Remove(ctx, opts.name)
	if err != nil {
		return 0, err
	}
	if !there {
		return 0, transport.Errorf(transport.CodeNotFound, "remove %s: unknown name: %s", opts.name, opts.name)
	}
	return 1, nil
}
