package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
)

func newNSWatchCmd(f *factory, run func(context.Context, *factory, discovery.Query) error) *cobra.Command {
	var query discovery.Query
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
			return run(cmd.Context(), f, query)
		},
	}
	queryFlags(cmd, f, &query)
	return cmd
}

// watchQuiet is for how long a watch says nothing at first: a million entries take some seconds.
const watchQuiet = time.Second

func nsWatch(ctx context.Context, f *factory, query discovery.Query) error {
	ns, err := f.lookUpServer(ctx)
	if err != nil {
		return err
	}
	defer ns.Close()
	var known []discovery.Entry
	trouble := "" // the last error that was told
	begun := f.sayLater(watchQuiet, "watch: reading the entries that are there")
	defer begun()
	for entries, err := range ns.Watch(ctx, query) {
		begun()
		if err != nil {
			if trouble != err.Error() { // it is tried again each second
				f.printError(fmt.Errorf("watch: %w, trying again", err), transport.AsError(err).Code)
			}
			trouble = err.Error()
			continue
		}
		if trouble != "" {
			fmt.Fprintln(f.io.err, "watch: the name server answers again")
			trouble = ""
		}
		if err := f.printChanges(known, entries); err != nil {
			return err
		}
		known = entries
	}
	return ctx.Err()
}

// sayLater writes a line for people unless stop is called before; once that has returned, it does not write any more.
func (f *factory) sayLater(after time.Duration, line string) (stop func()) {
	said := make(chan struct{})
	timer := time.AfterFunc(after, func() {
		defer close(said)
		fmt.Fprintln(f.io.err, line)
	})
	return sync.OnceFunc(func() {
		if !timer.Stop() {
			<-said
		}
	})
}

// printChanges prints what has become of entries, both in the order of their names.
func (f *factory) printChanges(before, now []discovery.Entry) error {
	for len(before)+len(now) > 0 {
		var err error
		switch {
		case len(now) == 0 || len(before) > 0 && before[0].Name < now[0].Name:
			err, before = f.printChange("remove", before[0]), before[1:]
		case len(before) == 0 || now[0].Name < before[0].Name:
			err, now = f.printChange("put", now[0]), now[1:]
		default:
			if !before[0].Equal(now[0]) {
				err = f.printChange("put", now[0])
			}
			before, now = before[1:], now[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *factory) printChange(what string, e discovery.Entry) error {
	doc := codec.NewDict("change", what, "name", e.Name)
	line := what + "  " + e.Name
	if what == "put" {
		doc.Set("uri", e.URI.String())
		doc.Set("metadata", nonNil(e.Metadata))
		line = strings.TrimSpace("put  " + e.Name + "  " + e.URI.String() + "  " + joinTags(e.Metadata))
	}
	if f.flags.output == outputYAML {
		return f.printItem(valuePrinter{}, doc)
	}
	return f.printDocument(doc, func(w io.Writer) { fmt.Fprintln(w, shown(line)) })
}
