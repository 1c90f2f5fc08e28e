package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// noMetadata is said of an entry that was given metadata by a name server on a dbm file.
const noMetadata = "the name server keeps no metadata: the entry has none"

type nsRegisterOptions struct {
	name, uri string
	metadata  []string
	safe      bool
}

func newNSRegisterCmd(f *factory, run func(context.Context, *factory, *nsRegisterOptions) error) *cobra.Command {
	opts := &nsRegisterOptions{}
	cmd := &cobra.Command{
		Use:     "register NAME URI",
		Short:   "Give a name to a URI",
		Example: `  pyroctl ns register example.greeting PYRO:greeting@localhost:9999 --meta demo --safe`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.name, opts.uri = args[0], args[1]
			for i, tag := range opts.metadata { // as in a PYROMETA, which could not name them otherwise
				opts.metadata[i] = strings.TrimSpace(tag)
			}
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().StringSliceVar(&opts.metadata, "meta", nil, "`tags` of the entry, separated by commas; spaces around them do not count")
	cmd.Flags().BoolVar(&opts.safe, "safe", false, "do not replace an entry that is there already")
	return cmd
}

func nsRegister(ctx context.Context, f *factory, opts *nsRegisterOptions) error {
	uri, err := parseURI(opts.uri)
	if err != nil {
		return err
	}
	if err := checkName(opts.name); err != nil {
		return err
	}
	return f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		err := ns.Register(ctx, opts.name, uri, opts.safe, opts.metadata...)
		if errors.Is(err, transport.ErrAlreadyExists) {
			return withHint(err, "without --safe it is replaced")
		}
		if err != nil {
			return err
		}
		e := discovery.Entry{Name: opts.name, URI: uri, Metadata: slices.Compact(slices.Sorted(slices.Values(opts.metadata)))}
		if len(e.Metadata) > 0 && f.losesMetadata(ctx, ns, e.Name) {
			fmt.Fprintln(f.io.err, noMetadata)
			e.Metadata = nil
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) { fmt.Fprintf(w, "registered %s\n", shown(opts.name)) })
	})
}

type nsSetMetaOptions struct {
	name string
	tags []string
}

func newNSSetMetaCmd(f *factory, run func(context.Context, *factory, *nsSetMetaOptions) error) *cobra.Command {
	opts := &nsSetMetaOptions{}
	return &cobra.Command{
		Use:   "set-meta NAME [TAG...]",
		Short: "Replace the metadata of an entry",
		Long: `Replaces the metadata of an entry; without tags it has none afterwards. A comma is part of a tag here; flags
as --meta have commas between tags.`,
		Example:           `  pyroctl ns set-meta example.greeting demo english`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.name, opts.tags = args[0], args[1:]
			return run(cmd.Context(), f, opts)
		},
	}
}

func nsSetMeta(ctx context.Context, f *factory, opts *nsSetMetaOptions) error {
	if err := checkName(opts.name); err != nil {
		return err
	}
	return f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		if err := ns.SetMetadata(ctx, opts.name, opts.tags...); err != nil {
			return err
		}
		e, err := ns.Lookup(ctx, opts.name)
		if err != nil {
			return err
		}
		if len(opts.tags) > 0 && len(e.Metadata) == 0 {
			fmt.Fprintln(f.io.err, noMetadata)
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) {
			tags := "none"
			if len(e.Metadata) > 0 {
				tags = joinTags(e.Metadata)
			}
			fmt.Fprintf(w, "metadata of %s: %s\n", shown(e.Name), shown(tags))
		})
	})
}

// losesMetadata tells whether a name has no metadata that was registered with some: on dbm files name servers drop it
// without a word.
func (f *factory) losesMetadata(ctx context.Context, ns *nameserver.Client, name string) bool {
	ctx, cancel := f.limited(ctx)
	defer cancel()
	e, err := ns.Lookup(ctx, name)
	return err == nil && len(e.Metadata) == 0
}
