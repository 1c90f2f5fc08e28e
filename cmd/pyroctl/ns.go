package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

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

// queryFlags adds the flags of a query: --prefix, --meta-all and --meta-any.
func queryFlags(cmd *cobra.Command, f *factory, q *discovery.Query) {
	prefixFlag(cmd, f, &q.Prefix)
	cmd.Flags().StringSliceVar(&q.All, "meta-all", nil, "entries with all of these `tags`")
	cmd.Flags().StringSliceVar(&q.Any, "meta-any", nil, "entries with any of these `tags`")
}

// prefixFlag adds --prefix, which the shell completes with names that are known.
func prefixFlag(cmd *cobra.Command, f *factory, to *string) {
	cmd.Flags().StringVar(to, "prefix", "", "names that begin with `text`")
	_ = cmd.RegisterFlagCompletionFunc("prefix",
		func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			names, directive := f.knownNames(cmd, typed)
			return names, directive | cobra.ShellCompDirectiveNoSpace
		})
}

// regexFlag adds --regex to a command that has --prefix: a name server takes one of them.
func regexFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "regex", "", "names whose beginning matches `expression`")
	cmd.MarkFlagsMutuallyExclusive("prefix", "regex")
}

// hintAtRegex says what language an expression is in that the name server refused.
func hintAtRegex(err error) error {
	if e := transport.AsError(err); e == nil || !strings.Contains(e.Message, "invalid regex: ") {
		return err
	}
	return withHint(err, "want a regular expression of Python's re; it has to match a name from the start, not to its end")
}

// checkName refuses what no entry can be called. An empty name comes of a script whose variable is empty, one that is not
// UTF-8 of a terminal in an old encoding.
func checkName(name string) error {
	switch {
	case name == "":
		return usagef("NAME is empty")
	case !utf8.ValidString(name):
		return usagef("NAME %q is not UTF-8", name)
	}
	return nil
}

// joinTags returns tags as flags take them: what a comma would break is in quotes.
func joinTags(tags []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(tags) // a builder takes all
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
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
			t.AppendRow([]any{shown(e.Name), shown(e.URI.String()), shown(joinTags(e.Metadata))})
		}
		t.Render()
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
