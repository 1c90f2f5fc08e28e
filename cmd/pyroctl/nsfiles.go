package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/filecheck"
	"github.com/pyrokit/pyrokit/transport"
)

func newNSExportCmd(f *factory, run func(ctx context.Context, f *factory, file string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write all entries as JSON lines",
		Long: `Writes all entries, the name server's own aside, as JSON lines to a file, or to the standard output: {"name":...,
"uri":...,"metadata":[...]}, and "lease":SECONDS where a name is leased. A file is replaced once all of it has been written.`,
		Example: `  pyroctl ns export names.jsonl
  pyroctl ns export --ns old:9090 | pyroctl ns import - --ns new:9090`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE:              func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), f, fileArg(args)) },
	}
}

// stdinOut is the file that is a standard stream.
const stdinOut = "-"

func fileArg(args []string) string {
	if len(args) == 0 {
		return stdinOut
	}
	return args[0]
}

func nsExport(ctx context.Context, f *factory, file string) error {
	if err := checkExport(file); err != nil {
		return err
	}
	return f.lookUp(ctx, func(looking context.Context, ns *nameserver.Client) error {
		entries, err := ns.List(looking, nameserver.Filter{})
		if err != nil {
			return err
		}
		records, err := f.recordsOf(ctx, ns, entries)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		err = storage.WriteRecords(&b, func(yield func(storage.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		if file == stdinOut {
			return f.write(b.Bytes())
		}
		if err := replaceFile(file, b.Bytes()); err != nil {
			return err
		}
		doc := codec.NewDict("exported", len(records))
		return f.printDocument(doc, func(w io.Writer) { fmt.Fprintf(w, "exported %d\n", len(records)) })
	})
}

// recordsOf returns entries, but for the name server's own, with their leases, where it has leases. It has a time of its
// own for that: to read a million entries takes most of what there is for the list.
func (f *factory) recordsOf(ctx context.Context, ns *nameserver.Client, entries []discovery.Entry) ([]storage.Record, error) {
	ctx, cancel := f.limited(ctx)
	defer cancel()
	leases, err := ns.Leases(ctx)
	if err != nil && !errors.Is(err, transport.ErrUnimplemented) {
		return nil, err
	}
	records := make([]storage.Record, 0, len(entries))
	for _, e := range entries {
		if e.Name != nameserver.ObjectName {
			records = append(records, storage.Record{Name: e.Name, URI: e.URI.String(), Tags: e.Metadata, Lease: leases[e.Name]})
		}
	}
	return records, nil
}

// besideFile ends the name of the file that takes the place of another one.
const besideFile = ".new"

// replaceFile writes a file beside the one that it takes the place of. What is no file, a pipe or a device, is written to.
func replaceFile(file string, content []byte) error {
	const own = 0o600
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return os.WriteFile(file, content, own)
	}
	beside := file + besideFile
	err := os.WriteFile(beside, content, own)
	if err == nil {
		err = os.Rename(beside, file)
	}
	if err != nil {
		_ = os.Remove(beside)
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// checkExport refuses, before anybody is asked, a file that cannot be written.
func checkExport(file string) error {
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		return usagef("%s: is a directory", file)
	}
	if err == nil && !info.Mode().IsRegular() || file == stdinOut {
		return nil
	}
	if err := filecheck.Writable(file + besideFile); err != nil {
		return usagef("write %s: %w", file, err)
	}
	return nil
}

type nsImportOptions struct {
	file string
	safe bool
}

func newNSImportCmd(f *factory, run func(context.Context, *factory, *nsImportOptions) error) *cobra.Command {
	opts := &nsImportOptions{}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Register what export has written",
		Long: `Registers the entries of a file of JSON lines, or of the standard input (-). Those that are there already are replaced,
or with --safe left alone; the name server's own is passed over. Entries with a lease get one, so that those whose owners
are gone go, too. Python's name servers have no leases: such entries are left out there, which is said on stderr, as their
owners register them again by themselves. A name server on a dbm file keeps no metadata: how many entries have lost theirs
is said then, on stderr.

A file is looked through first: where a line of it is wrong, nothing is registered. What comes through a pipe is registered
as it is read. Many entries are registered at a time, those of one name in their order. What was registered before an
error, or an interruption, stays, and is counted on stderr.`,
		Example:           `  pyroctl ns import names.jsonl`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.safe, "safe", false, "leave entries alone that are there already")
	return cmd
}

func nsImport(ctx context.Context, f *factory, opts *nsImportOptions) error {
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	in, err := f.openImport(reading, opts.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := checkImport(reading, in); err != nil {
		return fmt.Errorf("import %s: %w", opts.file, err)
	}
	ns, err := f.nameServer(ctx)
	if err != nil {
		return err
	}
	defer ns.Close()
	done, err := f.importInto(reading, stop, ns, in, opts.safe)
	if ctx.Err() != nil { // the error will only be that it was interrupted
		fmt.Fprintf(f.io.err, "import %s, %d registered so far\n", opts.file, done.imported)
	}
	if err != nil {
		return fmt.Errorf("import %s, %d registered so far: %w", opts.file, done.imported, err)
	}
	lost := 0
	if done.tagged > 0 && f.losesMetadata(ctx, ns, done.oneTagged) {
		lost = done.tagged
		fmt.Fprintf(f.io.err, "the name server keeps no metadata: %d of the entries have lost theirs\n", lost)
	}
	if done.leftOut > 0 {
		fmt.Fprintf(f.io.err, "the name server has no leases: %d entries with one are left out, their owners register them again\n",
			done.leftOut)
	}
	doc := codec.NewDict("imported", done.imported, "kept", done.kept, "lost_metadata", lost, "left_out", done.leftOut)
	return f.printDocument(doc, func(w io.Writer) {
		fmt.Fprintf(w, "imported %d\n", done.imported)
		if done.kept > 0 {
			fmt.Fprintf(w, "left alone %d\n", done.kept)
		}
	})
}

// openImport opens a file, or the standard input, in such a way that the end of ctx ends its reading.
func (f *factory) openImport(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == stdinOut {
		return f.stdin(ctx), nil
	}
	in, err := openFile(ctx, name)
	if err != nil {
		return nil, &usageError{err}
	}
	return in, nil
}
