package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func newDescribeCmd(f *factory, run func(ctx context.Context, f *factory, uri string) error) *cobra.Command {
	return &cobra.Command{
		Use:               "describe URI",
		Short:             "Say what an object exposes, and who answers for it",
		Example:           `  pyroctl describe PYRONAME:test.echoserver`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeObjects,
		RunE:              func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), f, args[0]) },
	}
}

func describe(ctx context.Context, f *factory, uri string) error {
	r, err := f.connect(uri)
	if err != nil {
		return err
	}
	defer r.Close()
	a, err := r.about(ctx)
	if err != nil {
		return err
	}
	m := a.metadata
	for _, names := range [...][]string{m.Methods, m.Oneway, m.Attrs} {
		slices.Sort(names) // they come in no order
	}
	info := daemonInfo(ctx, f, a.uri)
	doc := codec.NewDict(
		"uri", a.uri.String(),
		"methods", nonNil(m.Methods),
		"oneway", nonNil(m.Oneway),
		"attributes", nonNil(m.Attrs),
		"dialect", a.peer.Dialect.String(),
		"serializer", a.peer.Codec,
		"daemon", info,
	)
	return f.printDocument(doc, func(w io.Writer) {
		t := f.newTable(w)
		t.AppendRow([]any{"uri", a.uri.String()})
		t.AppendRow([]any{"methods", strings.Join(m.Methods, ", ")})
		t.AppendRow([]any{"one-way", strings.Join(m.Oneway, ", ")})
		t.AppendRow([]any{"attributes", strings.Join(m.Attrs, ", ")})
		t.AppendRow([]any{"dialect", a.peer.Dialect.String()})
		t.AppendRow([]any{"serializer", a.peer.Codec})
		if info != nil {
			t.AppendRow([]any{"daemon", info})
		}
		t.Render()
	})
}

func nonNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// daemonInfo is what the daemon says of itself, nil if it does not answer: an object can be described
// all the same.
func daemonInfo(ctx context.Context, f *factory, at pyro.URI) any {
	at.Object = pyro.DaemonObject
	r, err := f.connectTo(at)
	if err != nil {
		return nil
	}
	defer r.Close()
	v, err := r.value(ctx, &transport.Call{Method: "info", ListArgs: true})
	if err != nil {
		f.log.Debug("the daemon does not tell about itself", "error", err)
		return nil
	}
	return v
}

func newObjectsCmd(f *factory, run func(ctx context.Context, f *factory, location string) error) *cobra.Command {
	return &cobra.Command{
		Use:     "objects HOST:PORT",
		Short:   "List the objects of a daemon",
		Example: `  pyroctl objects localhost:9090`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), f, args[0]) },
	}
}

func objects(ctx context.Context, f *factory, location string) error {
	r, err := f.daemonAt(location)
	if err != nil {
		return err
	}
	defer r.Close()
	reply, err := r.do(ctx, &transport.Call{Method: "registered", ListArgs: true})
	if err != nil {
		return err
	}
	defer reply.Release()
	var names []string
	if err := reply.Value.Decode(&names); err != nil {
		return fmt.Errorf("objects of %s: %w", location, err)
	}
	slices.Sort(names)
	return f.printDocument(nonNil(names), func(w io.Writer) {
		for _, name := range names {
			fmt.Fprintln(w, name)
		}
	})
}
