package service

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// What was there between two looks of the watch, which never tells of it, does not pile up.
func TestWhatSearchesFindGoesWithTheNextSearch(t *testing.T) {
	b := &balanced{changed: make(chan struct{}), targets: discovery.NewTargets(discovery.TargetsConfig{})}
	defer b.targets.Close()
	entry := func(name string) discovery.Entry {
		return discovery.Entry{Name: name, URI: pyro.URI{Protocol: pyro.ProtocolPyro, Object: name, Host: "h", Port: 1}}
	}
	b.learn([]discovery.Entry{entry("told")}, nil)
	for _, found := range []string{"first", "second", "third"} {
		b.add([]discovery.Entry{entry(found)})
		require.Equal(t, 2, b.targets.Len())
	}
	b.add(nil)
	require.Equal(t, 1, b.targets.Len(), "what was told stays")
	b.add([]discovery.Entry{entry("told"), entry("first")})
	require.Equal(t, 2, b.targets.Len())
	b.learn(nil, nil)
	require.Zero(t, b.targets.Len())
}
