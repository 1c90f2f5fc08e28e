package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/transport"
)

type getOptions struct {
	uri, attr string
	typed     bool
}

func newGetCmd(f *factory, run func(context.Context, *factory, *getOptions) error) *cobra.Command {
	opts := &getOptions{}
	cmd := &cobra.Command{
		Use:               "get URI ATTR",
		Short:             "Print an attribute",
		Example:           `  pyroctl get PYRONAME:test.echoserver verbose`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: f.completeMembers(attributes),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.uri, opts.attr = args[0], args[1]
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.typed, "typed", false, "mark in json and yaml what they have no type for")
	return cmd
}

func attributes(m *transport.ObjectMetadata) []string { return m.Attrs }

func getAttribute(ctx context.Context, f *factory, opts *getOptions) error {
	r, err := f.connect(opts.uri)
	if err != nil {
		return err
	}
	defer r.Close()
	reply, err := r.do(ctx, &transport.Call{Kind: transport.GetAttr, Method: opts.attr})
	if err != nil {
		return err
	}
	p := valuePrinter{typed: opts.typed}
	if reply.StreamID != "" { // Pyro5 streams a property that is an iterator
		return r.items(ctx, opts.attr, reply.StreamID, func(v any) error { return f.printItem(p, v) })
	}
	v, err := valueOf(reply)
	if err != nil {
		return err
	}
	return f.printValue(p, v)
}

type setOptions struct {
	uri, attr, value string
	strings          bool
}

func newSetCmd(f *factory, run func(context.Context, *factory, *setOptions) error) *cobra.Command {
	opts := &setOptions{}
	cmd := &cobra.Command{
		Use:               "set URI ATTR VALUE",
		Short:             "Set an attribute",
		Long:              "Sets an attribute. The value is read as arguments of pyroctl call are.",
		Example:           `  pyroctl set PYRONAME:test.echoserver verbose true`,
		Annotations:       map[string]string{values: "yes"},
		Args:              cobra.ExactArgs(3),
		ValidArgsFunction: f.completeMembers(attributes),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.uri, opts.attr, opts.value = args[0], args[1], args[2]
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.strings, "string", false, "take the value as text")
	return cmd
}

func setAttribute(ctx context.Context, f *factory, opts *setOptions) error {
	reader := argReader{f: f, strings: opts.strings}
	v, err := reader.value(ctx, opts.value)
	if err != nil {
		return err
	}
	r, err := f.connect(opts.uri)
	if err != nil {
		return err
	}
	defer r.Close()
	c := &transport.Call{Kind: transport.SetAttr, Method: opts.attr}
	c.Args.Positional = []any{v}
	reply, err := r.do(ctx, c)
	if err != nil {
		return err
	}
	reply.Release()
	return nil
}
