package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
)

func newVersionCmd(f *factory, run func(context.Context, *factory) error) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Annotations: map[string]string{offline: "yes"},
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f) },
	}
}

func version(_ context.Context, f *factory) error {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	protocols := []any{wireVersions[codec.Pyro4], wireVersions[codec.Pyro5]}
	doc := codec.NewDict("version", v, "go", runtime.Version(), "platform", runtime.GOOS+"/"+runtime.GOARCH, "protocols", protocols)
	return f.printDocument(doc, func(w io.Writer) {
		fmt.Fprintf(w, "pyroctl %s (%s, %s/%s), protocols %d (Pyro4) and %d (Pyro5)\n",
			v, runtime.Version(), runtime.GOOS, runtime.GOARCH, protocols[0], protocols[1])
	})
}
