package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
)

type nsWatchOptions struct {
	prefix           string
	metaAll, metaAny []string
}

func newNSWatchCmd(f *factory, run func(context.Context, *factory, *nsWatchOptions) error) *cobra.Command {
	opts := &nsWatchOptions{}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print entries, and what changes, as it happens",
		Long: `Prints the entries that are there, and then what changes, until it is interrupted. A name server of pyrokit tells of
changes at once; Python's are asked now and then.`,
		Example: `  pyroctl ns watch --prefix example.
  pyroctl ns watch -o json | jq -r 'select(.change == "remove").name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTags(cmd.Flags()); err != nil {
				return err
			}
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().StringVar(&opts.prefix, "prefix", "", "names that begin with `text`")
	cmd.Flags().StringSliceVar(&opts.metaAll, "meta-all", nil, "entries with all of these `tags`")
	cmd.Flags().StringSliceVar(&opts.metaAny, "meta-any", nil, "entries with any of these `tags`")
	completePrefix(cmd, f)
	return cmd
}

func nsWatch(ctx context.Context, f *factory, opts *nsWatchOptions) error {
	ns, err := f.lookUpServer(ctx)
	if err != nil {
		return err
	}
	defer ns.Close()
	var known []discovery.Entry
	q := discovery.Query{Prefix: opts.prefix, All: opts.metaAll, Any: opts.metaAny}
	for entries, err := range ns.Watch(ctx, q) {
		if err != nil {
			f.printError(fmt.Errorf("watch: %w, trying again", err), transport.AsError(err).Code)
			continue
		}
		if err := f.printChanges(known, entries); err != nil {
			return err
		}
		known = slices.Clone(entries)
	}
	return ctx.Err()
}

// printChanges prints what has become of entries, both in the order of their names.
func (f *factory) printChanges(before, now []discovery.Entry) error {
	for len(before) > 0 || len(now) > 0 {
		var order int
		switch {
		case len(before) == 0:
			order = 1
		case len(now) == 0:
			order = -1
		default:
			order = strings.Compare(before[0].Name, now[0].Name)
		}
		var err error
		switch {
		case order < 0:
			err = f.printChange("remove", before[0])
		case order > 0 || !sameEntry(before[0], now[0]):
			err = f.printChange("put", now[0])
		}
		if err != nil {
			return err
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			now = now[1:]
		}
	}
	return nil
}

func sameEntry(a, b discovery.Entry) bool {
	return a.URI.String() == b.URI.String() && slices.Equal(a.Metadata, b.Metadata)
}

func (f *factory) printChange(what string, e discovery.Entry) error {
	doc := codec.NewDict("change", what, "name", e.Name)
	line := what + "  " + e.Name
	if what == "put" {
		doc.Set("uri", e.URI.String())
		doc.Set("metadata", nonNil(e.Metadata))
		line = strings.TrimSpace("put  " + e.Name + "  " + e.URI.String() + "  " + strings.Join(e.Metadata, ","))
	}
	if f.flags.output == outputYAML {
		return f.printItem(valuePrinter{}, doc)
	}
	return f.printDocument(doc, func(w io.Writer) { fmt.Fprintln(w, shown(line)) })
}
