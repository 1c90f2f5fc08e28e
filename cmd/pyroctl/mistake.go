package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/internal/nearest"
)

// explainMistakes has a mistyped command line answered with what is wanted in its place. The texts of cobra and pflag
// count arguments, and show how Go's functions say it.
func explainMistakes(root *cobra.Command) {
	root.SetFlagErrorFunc(flagMistake)
	explainArgs(root)
}

func explainArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		explainArgs(c)
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return argsMistake(cmd, args)
		}
	}
}

// argsMistake is the error of a command that does not take args.
func argsMistake(cmd *cobra.Command, args []string) error {
	if cmd.HasAvailableSubCommands() {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), meant(nearest.Name(args[0], names)))
	}
	_, wanted, some := strings.Cut(cmd.Use, " ")
	switch {
	case !some:
		return fmt.Errorf("want no arguments, found %q", args[0])
	case len(args) == 1:
		return fmt.Errorf("want %s, found 1 argument", wanted)
	default:
		return fmt.Errorf("want %s, found %d arguments", wanted, len(args))
	}
}

// flagMistake is the error of a flag that there is not, or whose value makes no sense.
func flagMistake(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
		name := nearest.Name(unknown.GetSpecifiedName(), names)
		if name != "" {
			name = "--" + name
		}
		return fmt.Errorf("%w%s", err, meant(name))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if want := kinds[invalid.GetFlag().Value.Type()]; want != "" {
			return fmt.Errorf("--%s %s: want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
		}
	}
	return err
}

// kinds are the types of flags whose own errors are those of package strconv or time.
var kinds = map[string]string{
	"bool":     "true or false",
	"duration": "a time such as 10s or 1m30s",
	"float64":  "a number",
	"int":      "a whole number",
}

// meant is the end of an error about a name that is unknown.
func meant(name string) string {
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}
