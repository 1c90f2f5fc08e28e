package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/config/program"
)

func newConfigCmd(f *factory) *cobra.Command {
	cmd := newGroup("config", "Check, show and begin configuration files",
		newConfigCheckCmd(f, configCheck),
		newConfigDumpCmd(f, configDump),
		newConfigInitCmd(f, configInit),
		newConfigSchemaCmd(f, configSchema),
	)
	cmd.Annotations = map[string]string{offline: "yes"}
	return cmd
}

// configOptions say what configuration a command is about.
type configOptions struct {
	files       []string
	assignments []string
}

func (o *configOptions) register(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.assignments, "set", nil,
		"set a single field, as `PATH=VALUE`: server.limits.max_depth=50; the value is YAML, and an empty one unsets the field")
}

// load loads the configuration.
func (o *configOptions) load() (*config.File, error) {
	if err := o.named(); err != nil {
		return nil, err
	}
	return config.Load(o.files, config.Set(o.assignments...))
}

// named makes sure that there is something to load.
func (o *configOptions) named() error {
	if _, listed := lookupEnv("PYROKIT_CONFIG"); len(o.files) == 0 && !listed {
		return usagef("want a FILE, or the variable PYROKIT_CONFIG")
	}
	return nil
}

// name is what the configuration is called in errors.
func (o *configOptions) name() string {
	if len(o.files) == 0 {
		return "PYROKIT_CONFIG"
	}
	return strings.Join(o.files, " ")
}

const configFiles = `Several files are read one after the other, and a later one counts more; without a FILE, those that the variable
PYROKIT_CONFIG lists. PYRO_* variables count more than files, and --set counts most.`

type configCheckOptions struct {
	configOptions
	readFiles bool
	toRun     bool // and not only to connect with
}

func newConfigCheckCmd(f *factory, run func(context.Context, *factory, *configCheckOptions) error) *cobra.Command {
	opts := &configCheckOptions{}
	cmd := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Say what is wrong with a configuration",
		Long: `Says what is wrong with a configuration, each with file, line, column and what would be right, and exits with 1 if
something is: all that pyroctl run would refuse before it listens. Nothing is started or written. Only with --files are
certificates, keys and secrets read, and looked at where the log, the name server's storage and unix sockets are to be: a
configuration is often checked where these are not.

` + configFiles,
		Example: `  pyroctl config check site.yaml
  pyroctl config check site.yaml local.yaml --set server.limits.max_calls=100 -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.files = args
			return run(cmd.Context(), f, opts)
		},
	}
	opts.register(cmd.Flags())
	cmd.Flags().BoolVar(&opts.readFiles, "files", false, "look at certificates, keys, secrets, storage, log and sockets, too")
	completeConfigFiles(cmd)
	return cmd
}

// completeConfigFiles has the shell complete the names of files.
func completeConfigFiles(cmd *cobra.Command) {
	cmd.ValidArgsFunction = cobra.FixedCompletions(
		[]string{"yaml", "yml", "json", "textproto", "txtpb"}, cobra.ShellCompDirectiveFilterFileExt)
}

func configCheck(_ context.Context, f *factory, opts *configCheckOptions) error {
	file, err := opts.load()
	if err == nil && opts.toRun && !isToRun(file.Config()) {
		return &configError{nothingToRun(opts.name())}
	}
	if err == nil && opts.readFiles {
		err = program.CheckFiles(file)
	}
	if err == nil {
		return f.printChecked(file.Files(), file.Warnings(), nil)
	}
	wrong, ok := errors.AsType[config.Errors](err)
	if !ok {
		return err
	}
	if err := f.printChecked(opts.files, nil, wrong); err != nil {
		return err
	}
	return fmt.Errorf("check %s: %s", opts.name(), counted(len(wrong), "error"))
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (f *factory) printChecked(files []string, warnings, wrong config.Errors) error {
	doc := codec.NewDict("ok", len(wrong) == 0, "files", nonNil(files),
		"errors", configErrorDocuments(wrong), "warnings", configErrorDocuments(warnings))
	return f.printDocument(doc, func(w io.Writer) {
		for _, e := range wrong {
			fmt.Fprintln(w, e)
		}
		for _, e := range warnings {
			fmt.Fprintf(w, "warning: %v\n", e)
		}
		if len(wrong) == 0 {
			fmt.Fprintf(w, "ok: %s\n", strings.Join(files, " "))
		}
	})
}

func configErrorDocuments(list config.Errors) []any {
	docs := make([]any, 0, len(list))
	for _, e := range list {
		docs = append(docs, codec.NewDict("file", noneIfEmpty(e.File), "line", e.Line, "column", e.Column,
			"path", noneIfEmpty(e.Path), "message", e.Msg, "hint", noneIfEmpty(e.Hint)))
	}
	return docs
}

type configDumpOptions struct {
	configOptions
	all    bool
	format string
}

func newConfigDumpCmd(f *factory, run func(context.Context, *factory, *configDumpOptions) error) *cobra.Command {
	opts := &configDumpOptions{}
	cmd := &cobra.Command{
		Use:   "dump [FILE...]",
		Short: "Show what is in force, and where each value comes from",
		Long: `Shows the configuration that is in force, in YAML, each value with a comment that says where it comes from, and each
chain with its order. Secrets that stand in a file are shown as ***.

` + configFiles,
		Example: `  pyroctl config dump site.yaml
  pyroctl config dump site.yaml --all --set server.limits.max_calls=100
  pyroctl config dump site.yaml --format textproto`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.files = args
			return run(cmd.Context(), f, opts)
		},
	}
	opts.register(cmd.Flags())
	cmd.Flags().BoolVar(&opts.all, "all", false, "show fields that are not set, too, with their defaults")
	cmd.Flags().StringVar(&opts.format, "format", "", "yaml, json or textproto (default: that of --output, in which text is YAML)")
	_ = cmd.RegisterFlagCompletionFunc("format",
		cobra.FixedCompletions([]string{"yaml", "json", "textproto"}, cobra.ShellCompDirectiveNoFileComp))
	completeConfigFiles(cmd)
	return cmd
}

func configDump(_ context.Context, f *factory, opts *configDumpOptions) error {
	format := opts.format
	switch format {
	case "yaml", "json", "textproto":
	case "":
		if format = f.flags.output; format == outputText {
			format = outputYAML
		}
	default:
		return usagef("--format %s: want yaml, json or textproto", format)
	}
	file, err := opts.load()
	if wrong, ok := errors.AsType[config.Errors](err); ok {
		for _, e := range wrong {
			fmt.Fprintln(f.io.err, e)
		}
		return fmt.Errorf("dump %s: %s", opts.name(), counted(len(wrong), "error"))
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := file.Dump(&b, config.DumpOptions{Format: format, All: opts.all}); err != nil {
		return err
	}
	return f.write(b.Bytes())
}

type configInitOptions struct {
	file  string
	force bool
}

func newConfigInitCmd(f *factory, run func(context.Context, *factory, *configInitOptions) error) *cobra.Command {
	opts := &configInitOptions{}
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a configuration to begin with",
		Long: `Writes a configuration to begin with, in YAML: the settings that are used most, each with what it means. Without a
FILE it is printed.`,
		Example: `  pyroctl config init site.yaml && pyroctl config check site.yaml`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.file = args[0]
			}
			return run(cmd.Context(), f, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.force, "force", false, "replace a file that is there already")
	completeConfigFiles(cmd)
	return cmd
}

func configInit(_ context.Context, f *factory, opts *configInitOptions) error {
	if opts.file == "" {
		return f.write(config.Template())
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !opts.force {
		mode |= os.O_EXCL
	}
	file, err := os.OpenFile(opts.file, mode, 0o644) //nolint:gosec // what the user names, for everybody to read
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: --force replaces it", opts.file)
	}
	if err != nil {
		return usagef("write a configuration: %w", err)
	}
	_, err = file.Write(config.Template())
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	doc := codec.NewDict("file", opts.file)
	return f.printDocument(doc, func(w io.Writer) { fmt.Fprintf(w, "wrote %s\n", opts.file) })
}

func newConfigSchemaCmd(f *factory, run func(context.Context, *factory) error) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configurations, for editors",
		Long: `Prints the JSON Schema (draft 2020-12) of configurations in YAML and JSON. Editors with yaml-language-server complete
and check a file that begins with the line

  # yaml-language-server: $schema=pyrokit.schema.json`,
		Example: `  pyroctl config schema > pyrokit.schema.json`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f) },
	}
}

func configSchema(_ context.Context, f *factory) error {
	schema, err := config.Schema(nil)
	if err != nil {
		return err
	}
	return f.write(schema)
}
