package main

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who is asked for an argument can interrupt the command rather than give it.
func TestArgumentsFromStdinAreInterrupted(t *testing.T) {
	for name, command := range map[string]func(context.Context, *factory) error{
		"an argument": func(ctx context.Context, f *factory) error {
			return call(ctx, f, &callOptions{uri: "PYRO:x@localhost:1", method: "m", args: []string{"-"}, repeat: 1})
		},
		"a keyword argument": func(ctx context.Context, f *factory) error {
			return call(ctx, f, &callOptions{uri: "PYRO:x@localhost:1", method: "m", keywords: []string{"k=-"}, repeat: 1})
		},
		"an attribute": func(ctx context.Context, f *factory) error {
			return setAttribute(ctx, f, &setOptions{uri: "PYRO:x@localhost:1", attr: "a", value: "-"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			in, typed := io.Pipe()
			defer typed.Close()
			f := &factory{io: testStreams()}
			f.io.in = in
			require.NoError(t, f.complete(newRootCmd(f).Flags()))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- command(ctx, f) }()
			_, err := io.WriteString(typed, "1")
			require.NoError(t, err, "it reads")
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}
