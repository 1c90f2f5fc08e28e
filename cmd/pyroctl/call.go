package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/transport"
)

type callOptions struct {
	uri, method string
	args        []string
	keywords    []string
	strings     bool
	typed       bool
	oneway      bool
	repeat      int
}

func newCallCmd(f *factory, run func(context.Context, *factory, *callOptions) error) *cobra.Command {
	opts := &callOptions{}
	cmd := &cobra.Command{
		Use:   "call URI METHOD [ARG...]",
		Short: "Call a method",
		Long: `Calls a method and prints its result; a remote iterator prints its items as they come.

An argument is JSON if it parses as JSON, else a Python literal if it parses as one ((1, 2), {'a'}, b'x',
None, nan, Decimal('1.5'), datetime.date(2020, 2, 29)), else text. @FILE and - read a value from a file or
stdin; --string takes everything as it is.`,
		Example: `  pyroctl call PYRONAME:example.greeting get_fortune Irmen
  pyroctl call PYRO:calc@localhost:9999 add 40 --kw b=2
  pyroctl call PYRONAME:example.stockquotes quotes '["IBM", "MSFT"]' -o json
  pyroctl call PYRONAME:camera snapshot -o json --typed`,
		Annotations:       map[string]string{values: "yes"},
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: f.completeMembers(func(m *transport.ObjectMetadata) []string { return m.Methods }),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.uri, opts.method, opts.args = args[0], args[1], args[2:]
			if opts.repeat < 1 {
				return usagef("--repeat %d: want at least 1", opts.repeat)
			}
			return run(cmd.Context(), f, opts)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&opts.keywords, "kw", nil, "keyword `argument` NAME=VALUE; more of them may follow at once")
	fs.BoolVar(&opts.strings, "string", false, "take all arguments as text")
	fs.BoolVar(&opts.typed, "typed", false, "mark in json and yaml what they have no type for: bytes, tuples, sets and so on")
	fs.BoolVar(&opts.oneway, "oneway", false, "do not wait for a result")
	fs.IntVar(&opts.repeat, "repeat", 1, "call `N` times, one after the other")
	return cmd
}

func call(ctx context.Context, f *factory, opts *callOptions) error {
	reader := argReader{f: f, strings: opts.strings}
	args, err := reader.values(ctx, opts.args)
	if err != nil {
		return err
	}
	kwargs, err := reader.keywords(ctx, opts.keywords)
	if err != nil {
		return err
	}
	r, err := f.connect(opts.uri)
	if err != nil {
		return err
	}
	defer r.Close()
	a, err := r.about(ctx) // asked first: a server may end with the call
	if err != nil {
		return err
	}
	settle := slices.Contains(a.metadata.Oneway, opts.method)
	for range opts.repeat {
		c := &transport.Call{Method: opts.method, Oneway: opts.oneway}
		c.Args.Positional, c.Args.Keywords = args, kwargs
		if err := callOnce(ctx, f, r, c, opts, settle); err != nil {
			return hintAtKeyword(err, opts)
		}
	}
	if opts.oneway {
		return r.settle(ctx)
	}
	return nil
}

// hintAtKeyword says, where arguments do not fit, that one of them looks like a keyword argument and was sent as text.
func hintAtKeyword(err error, opts *callOptions) error {
	e := transport.AsError(err)
	if opts.strings || !e.Remote || !strings.HasSuffix(e.Class, "TypeError") {
		return err
	}
	for _, arg := range opts.args {
		if keywordArg.MatchString(arg) {
			arg = shellQuoted(arg)
			return withHint(err, arg+" was sent as a text: a keyword argument is --kw "+arg)
		}
	}
	return err
}

// callOnce calls and prints. settle is for methods that the object itself declares one-way.
func callOnce(ctx context.Context, f *factory, r *remote, c *transport.Call, opts *callOptions, settle bool) error {
	p := valuePrinter{typed: opts.typed}
	reply, err := r.do(ctx, c)
	switch {
	case err != nil:
		return err
	case opts.oneway:
		return nil
	case reply.StreamID != "":
		return r.items(ctx, c.Method, reply.StreamID, func(v any) error { return f.printItem(p, v) })
	}
	v, err := valueOf(reply)
	if err != nil {
		return err
	}
	if settle {
		if err := r.settle(ctx); err != nil {
			return err
		}
	}
	if opts.repeat > 1 {
		return f.printItem(p, v)
	}
	return f.printValue(p, v)
}

// settle makes sure that one-way calls were read before the connection ends: the server answers a ping
// only after them.
func (r *remote) settle(ctx context.Context) error {
	_, err := r.do(ctx, &transport.Call{Kind: transport.Ping})
	return err
}

// closeStreamTime limits the message that ends a remote iterator.
const closeStreamTime = 2 * time.Second

// items walks a remote iterator. What is left of it when each fails, or ctx ends, is closed.
func (r *remote) items(ctx context.Context, method, id string, each func(any) error) error {
	for {
		item, err := r.do(ctx, &transport.Call{Kind: transport.StreamItem, Method: method, StreamID: id})
		if err == nil && item.Done {
			return nil
		}
		var v any
		if err == nil {
			v, err = valueOf(item)
		}
		if err == nil {
			err = each(v)
		}
		if err != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeStreamTime)
			defer cancel()
			_ = r.CloseStream(end, id) // what went wrong before says more
			return err
		}
	}
}
