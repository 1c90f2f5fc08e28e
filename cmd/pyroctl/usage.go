package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Groups of flags in the help of a command, in the order in which they follow the command's own.
const (
	groupConnection = "Connection flags"
	groupGlobal     = "Global flags"
)

// groupKey is the annotation of a flag that names its group.
const groupKey = "pyroctl_group"

// offline is the annotation of commands that connect to nothing.
const offline = "pyroctl_offline"

// meaningless is the annotation of a command with the flags of connections that say nothing to it, with commas
// between them. Its help leaves them out, and who gives one is told so: a server that is started with
// --credential-env would be taken for one that asks for the credential.
const meaningless = "pyroctl_meaningless"

func isMeaningless(cmd *cobra.Command, flag string) bool {
	return slices.Contains(strings.Split(cmd.Annotations[meaningless], ","), flag)
}

// checkMeaning returns an error if a flag was given that says nothing to cmd.
func checkMeaning(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if err == nil && isMeaningless(cmd, flag.Name) {
			err = fmt.Errorf("--%s says how to connect, and has no meaning for a server; "+
				"what else a server can do is in a configuration (pyroctl run)", flag.Name)
		}
	})
	if err != nil {
		return err
	}
	return checkExclusive(cmd)
}

// exclusive is the annotation by which cobra knows the groups that a flag is in of which only one may be given. Its own
// check comes after this one, and says less.
const exclusive = "cobra_annotation_mutually_exclusive"

// checkExclusive returns an error if two flags were given of which only one makes sense.
func checkExclusive(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		for _, group := range flag.Annotations[exclusive] {
			for other := range strings.FieldsSeq(group) {
				if err == nil && other != flag.Name && cmd.Flags().Changed(other) {
					err = fmt.Errorf("--%s and --%s: only one of them", flag.Name, other)
				}
			}
		}
	})
	return err
}

// hideRefused has the completion of a command line leave out flags that say nothing to its command.
func hideRefused(root *cobra.Command, args []string) {
	if len(args) == 0 || args[0] != cobra.ShellCompRequestCmd && args[0] != cobra.ShellCompNoDescRequestCmd {
		return
	}
	cmd, _, err := root.Find(args[1:])
	if err != nil {
		return
	}
	hide := func(flag *pflag.Flag) {
		flag.Hidden = flag.Hidden || isMeaningless(cmd, flag.Name) || groupOf(flag) == groupConnection && !connects(cmd)
	}
	cmd.LocalFlags().VisitAll(hide)
	cmd.InheritedFlags().VisitAll(hide)
}

// checkGiven returns an error if a flag was given without a value, as scripts do whose variable is empty, that would mean
// something else then: a server on all addresses rather than one, on TCP rather than a unix socket, another name server, no
// key.
func checkGiven(cmd *cobra.Command) error {
	for _, name := range []string{"host", "unix", "nathost", "metrics", "hmac-key-env", "credential-env"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s: want a value", name)
		}
	}
	if servers, err := cmd.Flags().GetStringSlice("ns"); err == nil && cmd.Flags().Changed("ns") &&
		(len(servers) == 0 || slices.Contains(servers, "")) {
		return errors.New("--ns: want HOST[:PORT], an empty one is none")
	}
	return nil
}

func setGroup(fs *pflag.FlagSet, group string, names ...string) {
	for _, name := range names {
		_ = fs.SetAnnotation(name, groupKey, []string{group}) // fails for flags that are not there
	}
}

func groupOf(flag *pflag.Flag) string {
	if group := flag.Annotations[groupKey]; len(group) > 0 {
		return group[0]
	}
	if flag.Name == "help" {
		return groupGlobal
	}
	return ""
}

// usage prints how a command is used: what cobra prints, but a command's own flags first, apart from those
// that every command has.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nAvailable Commands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	writeFlags(&b, cmd)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nMore about a command: %s [command] --help\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStderr(), b.String())
	return err
}

// writeFlags writes the flags of a command by group.
func writeFlags(b *strings.Builder, cmd *cobra.Command) {
	groups := map[string]*pflag.FlagSet{}
	add := func(flag *pflag.Flag) {
		if isMeaningless(cmd, flag.Name) {
			return
		}
		group := groupOf(flag)
		if groups[group] == nil {
			groups[group] = pflag.NewFlagSet(group, pflag.ContinueOnError)
		}
		groups[group].AddFlag(flag)
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	if !connects(cmd) {
		delete(groups, groupConnection)
	}
	for _, group := range []string{"", groupConnection, groupGlobal} {
		if fs := groups[group]; fs != nil && fs.HasAvailableFlags() {
			title := group
			if title == "" {
				title = "Flags"
			}
			fmt.Fprintf(b, "\n%s:\n%s", title, fs.FlagUsages())
		}
	}
}

// connects reports whether the flags of connections are worth showing: not for commands that make none,
// and for groups of commands only at the root.
func connects(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if c.Annotations[offline] != "" {
			return false
		}
	}
	return !cmd.HasAvailableSubCommands() || !cmd.HasParent()
}
