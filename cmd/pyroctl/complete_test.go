package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// Python's name servers do not complete names: all that there are come, and are made few here.
func TestNamesOfPythonsNameServersAreCompleted(t *testing.T) {
	ns := service.New(nameserver.ObjectName)
	ns.Method("ping", func() {})
	ns.Method("list", func(prefix string, _ bool) map[string]codec.Tuple {
		all := map[string]codec.Tuple{}
		for i := range 1000 {
			all[fmt.Sprintf("%s.%d.%03d", prefix, i%2, i)] = codec.Tuple{"PYRO:o@h:1", []string{}}
		}
		return all
	}, service.Params("prefix", "return_metadata"))
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(ns))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.Background())) }()
	f := &factory{io: testStreams()}
	cmd, _, err := newRootCmd(f).Find([]string{"ns", "lookup"})
	require.NoError(t, err)
	require.NoError(t, cmd.ParseFlags([]string{"--ns", srv.URI("").Location()}))
	offered, directive := f.completeNames(cmd, nil, "cam")
	require.Equal(t, []string{"cam."}, offered)
	require.Equal(t, noFiles|cobra.ShellCompDirectiveNoSpace, directive)
	offered, _ = f.completeNames(cmd, nil, "cam.1")
	require.Equal(t, []string{"cam.1."}, offered)
}
