package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/internal/completion"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// completeTime limits what a shell waits for after a press of the tab key.
const completeTime = 700 * time.Millisecond

const noFiles = cobra.ShellCompDirectiveNoFileComp

// completing prepares the factory, which cobra does not do for completions. Nothing is ever said about
// errors: the prompt is no place for them.
func (f *factory) completing(cmd *cobra.Command) (context.Context, context.CancelFunc, bool) {
	if err := f.complete(cmd.Flags()); err != nil {
		return nil, nil, false
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	return ctx, cancel, true
}

// completeObjects offers the names of the name server as URIs.
func (f *factory) completeObjects(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	const scheme = pyro.ProtocolPyroName + ":"
	prefix, whole := strings.CutPrefix(typed, scheme)
	switch {
	case whole:
	case len(typed) < len(scheme) && scheme[:len(typed)] == typed:
		prefix = ""
	default:
		return nil, noFiles // another kind of URI
	}
	var uris []string
	names, directive := f.knownNames(cmd, prefix)
	for _, name := range names {
		uris = append(uris, scheme+name)
	}
	return uris, directive
}

// completeNames offers the names of the name server.
func (f *factory) completeNames(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return f.knownNames(cmd, typed)
}

// completeFile has the shell complete one file.
func completeFile(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// knownNames returns names that begin with prefix, or beginnings of them, after which the shell sets no space.
func (f *factory) knownNames(cmd *cobra.Command, prefix string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel, ok := f.completing(cmd)
	if !ok {
		return nil, noFiles
	}
	defer cancel()
	cfg, err := f.nameServerConfig()
	if err != nil {
		return nil, noFiles
	}
	ns, err := f.locate(ctx, cfg, f.flags.nameServers...)
	if err != nil {
		return nil, noFiles
	}
	defer ns.Close()
	offered, whole, err := ns.Complete(ctx, prefix)
	if err != nil { // Python's cannot, and others may not let everybody
		offered, whole, err = completeOfAll(ctx, ns, prefix)
	}
	switch {
	case err != nil:
		return nil, noFiles
	case whole:
		return offered, noFiles
	default:
		return offered, noFiles | cobra.ShellCompDirectiveNoSpace
	}
}

// completeOfAll is Complete for a name server that cannot do it.
func completeOfAll(ctx context.Context, ns *nameserver.Client, prefix string) (offered []string, whole bool, err error) {
	entries, err := ns.Find(ctx, discovery.Query{Prefix: prefix})
	if err != nil {
		return nil, false, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return completion.Of(completion.Among(names), prefix)
}

type completeFunc = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeMembers offers objects first, then members of the object.
func (f *factory) completeMembers(members func(*transport.ObjectMetadata) []string) completeFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return f.completeObjects(cmd, args, typed)
		case 1:
		default:
			return nil, noFiles
		}
		ctx, cancel, ok := f.completing(cmd)
		if !ok {
			return nil, noFiles
		}
		defer cancel()
		r, err := f.connect(args[0])
		if err != nil {
			return nil, noFiles
		}
		defer r.Close()
		a, err := r.about(ctx)
		if err != nil {
			return nil, noFiles
		}
		names := slices.DeleteFunc(members(a.metadata), func(name string) bool { return !strings.HasPrefix(name, typed) })
		slices.Sort(names)
		return names, noFiles
	}
}
