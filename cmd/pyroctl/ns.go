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

func newNSCmd(f *factory) *cobra.Command {
	return newGroup("ns", "Run and use a name server",
		newNSServeCmd(f, nsServe),
		newNSListCmd(f, nsList),
		newNSLookupCmd(f, nsLookup),
		newNSRegisterCmd(f, nsRegister),
		newNSRemoveCmd(f, nsRemove),
		newNSSetMetaCmd(f, nsSetMeta),
		newNSPingCmd(f, nsPing),
		newNSCountCmd(f, nsCount),
		newNSWatchCmd(f, nsWatch),
		newNSExportCmd(f, nsExport),
		newNSImportCmd(f, nsImport),
	)
}

type nameServerFunc func(context.Context, *nameserver.Client) error

// withNameServer does something with the name server, within --timeout.
func (f *factory) withNameServer(ctx context.Context, do nameServerFunc) error {
	return f.withNameServerOf(ctx, f.nameServer, do)
}

// lookUp does something that only looks names up, at a name server that may be found by broadcast.
func (f *factory) lookUp(ctx context.Context, do nameServerFunc) error {
	return f.withNameServerOf(ctx, f.lookUpServer, do)
}

func (f *factory) withNameServerOf(
	ctx context.Context, find func(context.Context) (*nameserver.Client, error), do nameServerFunc,
) error {
	ctx, cancel := f.limited(ctx)
	defer cancel()
	ns, err := find(ctx)
	if err != nil {
		return err
	}
	defer ns.Close()
	return do(ctx, ns)
}

// nsFilter are the flags that choose entries.
type nsFilter struct{ prefix, regex string }

func (o *nsFilter) register(fs *pflag.FlagSet) {
	fs.StringVar(&o.prefix, "prefix", "", "names that begin with `text`")
	fs.StringVar(&o.regex, "regex", "", "names whose beginning matches `expression`")
}

// completePrefix has the shell complete --prefix with names that are known.
func completePrefix(cmd *cobra.Command, f *factory) {
	_ = cmd.RegisterFlagCompletionFunc("prefix",
		func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return f.knownNames(cmd, typed), noFiles | cobra.ShellCompDirectiveNoSpace
		})
}

func (o *nsFilter) filter() (nameserver.Filter, error) {
	if o.prefix != "" && o.regex != "" {
		return nameserver.Filter{}, usagef("--prefix and --regex: only one of them")
	}
	return nameserver.Filter{Prefix: o.prefix, Regex: o.regex}, nil
}

type nsListOptions struct {
	nsFilter
	metaAll, metaAny []string
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
	opts.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("prefix", "regex")
	cmd.Flags().StringSliceVar(&opts.metaAll, "meta-all", nil, "entries with all of these `tags`")
	cmd.Flags().StringSliceVar(&opts.metaAny, "meta-any", nil, "entries with any of these `tags`")
	completePrefix(cmd, f)
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
	filter, err := opts.filter()
	if err != nil {
		return err
	}
	return f.lookUp(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		unreadable := 0
		ns.Unreadable = func(error) { unreadable++ }
		entries, err := nsFind(ctx, ns, filter, opts)
		if err != nil {
			return err
		}
		if unreadable > 0 {
			fmt.Fprintf(f.io.err, "left out, as their URIs cannot be read: %d\n", unreadable)
		}
		return f.printEntries(entries)
	})
}

// nsFind asks the name server by metadata where that is all there is to say; it takes one filter at a time.
func nsFind(ctx context.Context, ns *nameserver.Client, filter nameserver.Filter, opts *nsListOptions) ([]discovery.Entry, error) {
	q := discovery.Query{Prefix: filter.Prefix, All: opts.metaAll, Any: opts.metaAny}
	if filter.Regex == "" {
		return ns.Find(ctx, q)
	}
	entries, err := ns.List(ctx, filter)
	return q.Choose(entries), hintAtRegex(err)
}

// hintAtRegex says what language an expression is in that the name server refused.
func hintAtRegex(err error) error {
	if e := transport.AsError(err); e == nil || !strings.Contains(e.Message, "invalid regex: ") {
		return err
	}
	return withHint(err, "want a regular expression of Python's re; it has to match a name from the start, not to its end")
}

func entryDocument(e discovery.Entry) document {
	return codec.NewDict("name", e.Name, "uri", e.URI.String(), "metadata", nonNil(e.Metadata))
}

func (f *factory) printEntries(entries []discovery.Entry) error {
	docs := make([]any, 0, len(entries))
	for _, e := range entries {
		docs = append(docs, entryDocument(e))
	}
	return f.printDocument(docs, func(w io.Writer) {
		t := f.newTable(w, "NAME", "URI", "METADATA")
		for _, e := range entries {
			t.AppendRow([]any{shown(e.Name), shown(e.URI.String()), shown(strings.Join(e.Metadata, ","))})
		}
		t.Render()
	})
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

// errNoName is what comes of a script whose variable is empty.
var errNoName = usagef("NAME is empty")

func nsLookup(ctx context.Context, f *factory, name string) error {
	if name == "" {
		return errNoName
	}
	return f.lookUp(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		e, err := ns.Lookup(ctx, name)
		if err != nil {
			return err
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) { fmt.Fprintln(w, shown(e.URI.String())) })
	})
}

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
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().StringSliceVar(&opts.metadata, "meta", nil, "`tags` of the entry, separated by commas")
	cmd.Flags().BoolVar(&opts.safe, "safe", false, "do not replace an entry that is there already")
	return cmd
}

func nsRegister(ctx context.Context, f *factory, opts *nsRegisterOptions) error {
	uri, err := parseURI(opts.uri)
	if err != nil {
		return err
	}
	if opts.name == "" {
		return errNoName
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
			fmt.Fprintln(f.io.err, "the name server keeps no metadata: the entry has none")
			e.Metadata = nil
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) { fmt.Fprintf(w, "registered %s\n", shown(opts.name)) })
	})
}

type nsRemoveOptions struct {
	nsFilter
	name        string
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
	opts.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("prefix", "regex")
	cmd.Flags().BoolVarP(&opts.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "list what would be removed, and remove nothing")
	completePrefix(cmd, f)
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
	filter, err := opts.filter()
	if err != nil {
		return err
	}
	switch given := filter != (nameserver.Filter{}); {
	case opts.name == "" && !given:
		return usagef("want a NAME, or --prefix, or --regex")
	case opts.name != "" && given:
		return usagef("a NAME, --prefix and --regex: only one of them")
	case opts.name == nameserver.ObjectName: // a name server removes all but this one, and says of it that there was nothing
		return transport.Errorf(transport.CodePermissionDenied, "remove %s: the name server's own name stays", opts.name)
	}
	if opts.dryRun {
		entries, err := f.removable(ctx, opts.name, filter)
		if err != nil {
			return err
		}
		return f.printEntries(entries)
	}
	if opts.name == "" && f.io.asks && !opts.yes {
		if err := f.confirmRemoval(ctx, filter); err != nil {
			return err
		}
	}
	return f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		n, err := nsRemoveThese(ctx, ns, opts.name, filter)
		if err != nil {
			return err
		}
		return f.printDocument(codec.NewDict("removed", n), func(w io.Writer) { fmt.Fprintf(w, "removed %d\n", n) })
	})
}

// removable returns the entries that nsRemoveThese would remove.
func (f *factory) removable(ctx context.Context, name string, filter nameserver.Filter) (entries []discovery.Entry, err error) {
	err = f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		if name != "" {
			e, err := ns.Lookup(ctx, name)
			entries = []discovery.Entry{e}
			return err
		}
		entries, err = ns.List(ctx, filter)
		entries = slices.DeleteFunc(entries, func(e discovery.Entry) bool { return e.Name == nameserver.ObjectName })
		return hintAtRegex(err)
	})
	return entries, err
}

// errNotConfirmed ends a command whose question was answered with no. Nothing was done.
var errNotConfirmed = errors.New("remove: not confirmed, nothing was removed")

// confirmRemoval asks whether all entries that a filter chooses are to go. Who thinks about it is not hurried by --timeout.
func (f *factory) confirmRemoval(ctx context.Context, filter nameserver.Filter) error {
	entries, err := f.removable(ctx, "", filter)
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

// nsRemoveThese takes a name that is not there for an error, but not a filter that chooses nothing.
func nsRemoveThese(ctx context.Context, ns *nameserver.Client, name string, filter nameserver.Filter) (int, error) {
	if name == "" {
		n, err := ns.RemoveMatching(ctx, filter)
		return n, hintAtRegex(err)
	}
	there, err := ns.Remove(ctx, name)
	if err != nil {
		return 0, err
	}
	if !there {
		return 0, transport.Errorf(transport.CodeNotFound, "remove %s: unknown name: %s", name, name)
	}
	return 1, nil
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
	if opts.name == "" {
		return errNoName
	}
	return f.withNameServer(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		if err := ns.SetMetadata(ctx, opts.name, opts.tags...); err != nil {
			return err
		}
		e, err := ns.Lookup(ctx, opts.name)
		if err != nil {
			return err
		}
		return f.printDocument(entryDocument(e), func(w io.Writer) {
			tags := "none"
			if len(e.Metadata) > 0 {
				tags = strings.Join(e.Metadata, ", ")
			}
			fmt.Fprintf(w, "metadata of %s: %s\n", shown(e.Name), shown(tags))
		})
	})
}

func newNSPingCmd(f *factory, run func(context.Context, *factory) error) *cobra.Command {
	return &cobra.Command{
		Use:   "ping",
		Short: "See whether a name server answers",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f) },
	}
}

func nsPing(ctx context.Context, f *factory) error {
	return f.lookUp(ctx, func(_ context.Context, ns *nameserver.Client) error { // it was asked to find it
		doc := codec.NewDict("uri", ns.URI().String())
		return f.printDocument(doc, func(w io.Writer) { fmt.Fprintf(w, "%s answers\n", ns.URI()) })
	})
}

func newNSCountCmd(f *factory, run func(context.Context, *factory) error) *cobra.Command {
	return &cobra.Command{
		Use:   "count",
		Short: "Print the number of entries",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f) },
	}
}

func nsCount(ctx context.Context, f *factory) error {
	return f.lookUp(ctx, func(ctx context.Context, ns *nameserver.Client) error {
		n, err := ns.Count(ctx)
		if err != nil {
			return err
		}
		return f.printDocument(codec.NewDict("count", n), func(w io.Writer) { fmt.Fprintln(w, n) })
	})
}
