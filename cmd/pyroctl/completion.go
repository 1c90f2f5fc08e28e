package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// addCompletionCmd adds cobra's command that prints scripts for shells. Cobra answers the name of a shell
// that it does not know with a page of help, and reports success.
func addCompletionCmd(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	i := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == "completion" })
	cmd := root.Commands()[i]
	cmd.Annotations = map[string]string{offline: "yes"}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var shells []string
		for _, c := range cmd.Commands() {
			shells = append(shells, c.Name())
		}
		return usagef("completion %s: want one of %s", args[0], strings.Join(shells, ", "))
	}
}
