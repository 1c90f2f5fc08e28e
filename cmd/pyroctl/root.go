package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A factory has what commands share. What costs something to make is made by its methods.
type factory struct {
	io    *streams
	flags globals
	log   *slog.Logger
	ready bool // flags and environment were understood: from here on errors are no longer wrong usage

	// What the command line is about, for hints.
	subject atomic.Pointer[target]
	serving *serveFlags

	client clientConfig // of --config
	env    *pyroenv.Values
	option service.Option // env for servers
}

// globals are the flags that every command has.
type globals struct {
	output      string
	nameServers []string
	noBroadcast bool
	timeout     time.Duration
	serializer  string
	dialect     string
	hmacKeyEnv  string

	credentialEnv string
	configFile    string

	tls       tlsFlags
	traceback bool
	verbose   bool

	// What only the environment says.
	compress       bool
	maxMessageSize int64 // 0 is the library's default
	preferIP       int
	bytesRepr      bool
	unchecked      bool // no look at metadata
	retries        int
	lookupDelay    time.Duration
}

const (
	outputText = "text"
	outputJSON = "json"
	outputYAML = "yaml"
)

func newRootCmd(f *factory) *cobra.Command {
	var askedVersion bool
	cmd := &cobra.Command{
		Use:   "pyroctl",
		Short: "Look into, call and run Pyro objects",
		Long: `pyroctl looks into, calls and runs Pyro objects: those of Pyro4 and of Pyro5, in Python or not.

A URI says which object: PYRO:object@host:port, PYRO:object@./u:/path/of/socket, or PYRONAME:name for one
that a name server knows. HOST:PORT is a daemon; ./u:/path/of/socket is one, too.

Exit codes:
` + exitCodesText(),
		Example: `  pyroctl demo
  pyroctl call PYRONAME:example.greeting get_fortune Irmen
  pyroctl describe PYRO:example.greeting@localhost:9999 -o json`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if askedVersion {
				return version(cmd.Context(), f)
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkMeaning(cmd); err != nil {
				return err
			}
			if err := checkGiven(cmd); err != nil {
				return err
			}
			return f.complete(cmd.Flags())
		},
	}
	f.flags.register(cmd.PersistentFlags())
	cmd.Flags().BoolVar(&askedVersion, "version", false, "print the version, as the command version does")
	setGroup(cmd.Flags(), groupGlobal, "version")
	cmd.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	registerChoices(cmd)
	cmd.AddCommand(
		newCallCmd(f, call),
		newGetCmd(f, getAttribute),
		newSetCmd(f, setAttribute),
		newDescribeCmd(f, describe),
		newPingCmd(f, ping),
		newObjectsCmd(f, objects),
		newWireCmd(f, wire),
		newNSCmd(f),
		newEchoCmd(f),
		newConfigCmd(f),
		newRunCmd(f, runConfig),
		newDemoCmd(f, demo),
		newVersionCmd(f, version),
	)
	addCompletionCmd(cmd)
	explainMistakes(cmd)
	cmd.SetUsageFunc(usage)
	return cmd
}

func (g *globals) register(fs *pflag.FlagSet) {
	fs.StringVarP(&g.output, "output", "o", outputText, "`format` of what is printed: text, json or yaml")
	fs.StringSliceVar(&g.nameServers, "ns", nil,
		"name servers, HOST[:PORT] each, asked in order (default PYRO_NS_HOST and PYRO_NS_PORT, else localhost:9090)")
	fs.BoolVar(&g.noBroadcast, "no-broadcast", false,
		"do not ask the network for a name server when a name is looked up and the default one is not there")
	fs.DurationVar(&g.timeout, "timeout", pyro.DefaultTimeout, "limit of each call, connecting included; 0 for none (PYRO_COMMTIMEOUT)")
	fs.StringVar(&g.serializer, "serializer", pyro.Serpent,
		"`name` of the serializer: "+strings.Join(pyro.Serializers(), ", ")+" (PYRO_SERIALIZER)")
	fs.StringVar(&g.dialect, "dialect", "auto", "what to speak: auto, pyro4 or pyro5")
	fs.StringVar(&g.hmacKeyEnv, "hmac-key-env", "",
		"`variable` with the key that signs messages, which only Pyro4 has (default PYRO_HMAC_KEY, where it is set)")
	fs.StringVar(&g.credentialEnv, "credential-env", "",
		"`variable` with the token that is said in the handshake, for servers that ask who connects")
	fs.StringVar(&g.configFile, "config", "",
		"configuration `file` whose section client says what these flags and PYRO_* variables do not")
	g.tls.register(fs)
	fs.BoolVar(&g.traceback, "traceback", false, "show the remote traceback of an exception")
	fs.BoolVarP(&g.verbose, "verbose", "v", false, "log what happens to stderr")
	setGroup(fs, groupGlobal, "output", "traceback", "verbose")
	setGroup(fs, groupConnection, "ns", "no-broadcast", "timeout", "serializer", "dialect", "hmac-key-env", "credential-env", "config",
		"tls", "tls-ca", "tls-cert", "tls-key", "tls-server-name")
}

func registerChoices(cmd *cobra.Command) {
	for flag, values := range map[string][]string{
		"output":     {outputText, outputJSON, outputYAML},
		"dialect":    {"auto", "pyro4", "pyro5"},
		"serializer": pyro.Serializers(),
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	for _, flag := range []string{"config", "tls-ca", "tls-cert", "tls-key"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, completeFile)
	}
}

// complete fills in what the environment says and checks the global flags.
func (f *factory) complete(fs *pflag.FlagSet) error {
	g := &f.flags
	if err := f.fromEnv(fs); err != nil {
		return err
	}
	if err := f.fromFile(fs); err != nil {
		return err
	}
	if !slices.Contains([]string{outputText, outputJSON, outputYAML}, g.output) {
		wrong := g.output
		g.output = outputText
		return fmt.Errorf("--output %s: want text, json or yaml", wrong)
	}
	if !slices.Contains([]string{"auto", "pyro4", "pyro5"}, g.dialect) {
		return fmt.Errorf("--dialect %s: want auto, pyro4 or pyro5", g.dialect)
	}
	if err := pyro.CheckSerializer(g.serializer); err != nil {
		return err
	}
	if g.timeout < 0 {
		return fmt.Errorf("--timeout %s: want a positive time, or 0 for none", g.timeout)
	}
	if err := f.openLog(); err != nil {
		return err
	}
	f.ready = true
	return nil
}

// newGroup returns a command that only has commands of its own.
func newGroup(use, short string, cmds ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(cmds...)
	return cmd
}

// exitCodesText lists the exit codes, a line for each.
func exitCodesText() string {
	var lines []string
	for _, e := range exitCodes {
		lines = append(lines, fmt.Sprintf("%5d %s", e.code, e.meaning))
	}
	return strings.Join(lines, "\n")
}
