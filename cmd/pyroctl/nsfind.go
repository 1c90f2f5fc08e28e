package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
)

type nsListOptions struct {
	query discovery.Query
	regex string
}

func newNSListCmd(f *factory, run func(context.Context, *factory, *nsListOptions) error) *cobra.Command {
	opts := &nsListOptions{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List entries",
		Example: `  pyroctl ns list --prefix example.
  pyroctl ns list --meta-all camera,outside -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTags(cmd.Flags()); err != nil {
				return err
			}
			return run(cmd.Context(), f, opts)
		},
	}
	queryFlags(cmd, f, &opts.query)
	regexFlag(cmd, &opts.regex)
	return cmd
}

// checkTags refuses --meta-all and --meta-any without a tag, as scripts have them whose variable is empty: to choose
// by no tag is to choose all.
func checkTags(fs *pflag.FlagSet) error {
	for _, name := range []string{"meta-all", "meta-any"} {
		if tags, err := fs.GetStringSlice(name); err != nil || fs.Changed(name) && len(tags) == 0 {
			return usagef("--%s: want tags", name)
		}
	}
	return nil
}

func nsList(ctx context.Context, f *factory, opts *nsListOptions) error {
	return f.lookUp(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		unreadable := 0
		ns.Unreadable = func(error) { unreadable++ }
		entries, err := nsFind(ctx, ns, opts)
		if err != nil {
			return err
		}
		if unreadable > 0 {
			fmt.Fprintf(f.io.err, "left out, as their URIs cannot be read: %d\n", unreadable)
		}
		return f.printEntries(entries)
	})
}

// nsFind asks the name server by the expression, if there is one, and chooses by the tags here: a name server takes one
// filter at a time.
func nsFind(ctx context.Context, ns *nameserver.Client, opts *nsListOptions) ([]discovery.Entry, error) {
	if opts.regex == "" {
		return ns.Find(ctx, opts.query)
	}
	entries, err := ns.List(ctx, nameserver.Filter{Regex: opts.regex})
	return opts.query.Choose(entries), hintAtRegex(err)
}

func newNSLookupCmd(f *factory, run func(ctx context.Context, f *factory, name string) error) *cobra.Command {
	return &cobra.Command{
		Use:               "lookup NAME",
		Short:             "Print the URI of a name",
		Example:           `  pyroctl ns lookup example.greeting`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), f, args[0]) },
	}
}

func nsLookup(ctx context.Context, f *factory, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return f.lookUp(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		e, err := ns.Lookup(ctx, name)
		if err != nil {
			return err
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) { fmt.Fprintln(w, shown(e.URI.String())) })
	})
}
