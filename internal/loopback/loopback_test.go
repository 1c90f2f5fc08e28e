package loopback_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/loopback"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestMeans(t *testing.T) {
	for uri, want := range map[string]bool{
		"PYRO:o@localhost:1": true, "PYRO:o@127.0.1.1:1": true, "PYRO:o@[::1]:1": true, "PYRO:o@0.0.0.0:1": true,
		"PYRO:o@[::]:1": true, "PYRO:o@./u:/tmp/s": true,
		"PYRO:o@10.0.0.1:1": false, "PYRO:o@[fd00::1]:1": false, "PYRO:o@localhost.example:1": false, "PYRONAME:o": false,
	} {
		u, err := pyro.ParseURI(uri)
		require.NoError(t, err)
		require.Equal(t, want, loopback.Means(u), uri)
	}
}

func TestResolves(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.1.1": true, "::1": true,
		"10.0.0.1": false, "0.0.0.0": false, "nowhere.invalid": false, "": false,
	} {
		require.Equal(t, want, loopback.Resolves(t.Context(), host), host)
	}
}
