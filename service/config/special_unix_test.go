//go:build unix

package config_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

// Who opened such a pipe would wait for ever.
func TestPipesAreRefused(t *testing.T) {
	write(t, map[string]string{
		"includes.yaml": "include: pipe.yaml\n",
		"refers.yaml":   "log: {output: \"${file:pipe.yaml}\"}\n",
		"files.yaml": "server:\n  tls: {cert: pipe.yaml, key: pipe.yaml, ca: [pipe.yaml]}\n" +
			"  chain: [{token_auth: {principals: {irma: {file: pipe.yaml}}}}]\n",
	})
	require.NoError(t, syscall.Mkfifo("pipe.yaml", 0o600))
	const special = "want a regular file, found a pipe, socket or device"
	for file, want := range map[string]string{
		"pipe.yaml":     "pipe.yaml: " + special,
		"includes.yaml": "includes.yaml:1:10: include: pipe.yaml: " + special,
		"refers.yaml":   "refers.yaml:1:15: log.output: ${file:pipe.yaml}: " + special,
	} {
		_, err := config.Load([]string{file}, variables(nil))
		require.EqualError(t, err, want)
	}

	f, err := config.Load([]string{"files.yaml"}, variables(nil))
	require.NoError(t, err)
	err = f.CheckFiles()
	for _, want := range []string{
		"files.yaml:2:15: server.tls.cert: open pipe.yaml: " + special,
		"server.tls.key: open pipe.yaml: " + special,
		"server.tls.ca[0]: open pipe.yaml: " + special,
		`server.chain[0].token_auth.principals["irma"]: read a secret: open pipe.yaml: ` + special,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = config.ReadSecret(&configv1.Secret{Source: &configv1.Secret_File{File: "pipe.yaml"}})
	require.ErrorContains(t, err, special)
}
