package discovery_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
)

func servers(t testing.TB, n int) (entries []discovery.Entry) {
	t.Helper()
	for i := range n {
		entries = append(entries, entry(t, fmt.Sprintf("app#%d", i), fmt.Sprintf("PYRO:app@h:%d", i+1)))
	}
	return entries
}

func targets(t testing.TB, b discovery.Balancer, entries ...discovery.Entry) *discovery.Targets {
	t.Helper()
	targets := discovery.NewTargets(discovery.TargetsConfig{Balancer: b})
	t.Cleanup(targets.Close)
	targets.Set(entries)
	return targets
}

func called(args ...any) *transport.Call {
	call := &transport.Call{Method: "m"}
	call.Args.Positional = args
	return call
}

// pick returns where a call goes that takes no time.
func pick(all *discovery.Targets, call *transport.Call, tried ...*discovery.Target) *discovery.Target {
	target, end := all.Take(call, tried...)
	if target != nil {
		end()
	}
	return target
}

func TestRandomTakesAll(t *testing.T) {
	all := targets(t, nil, servers(t, 3)...)
	seen := map[string]int{}
	for range 300 {
		seen[pick(all, called()).Name]++
	}
	require.Len(t, seen, 3)
	for name, n := range seen {
		require.Greater(t, n, 30, "%s: 100 expected; one run in 10^20 has as few", name)
	}
}

func TestRoundRobinTakesTurns(t *testing.T) {
	all := targets(t, discovery.RoundRobin(), servers(t, 3)...)
	var order []string
	for range 7 {
		order = append(order, pick(all, called()).Name)
	}
	require.Equal(t, []string{"app#0", "app#1", "app#2", "app#0", "app#1", "app#2", "app#0"}, order)
}

func TestLeastBusyTakesTheOneWithTheFewestCalls(t *testing.T) {
	all := targets(t, discovery.LeastBusy(), servers(t, 3)...)
	busy := map[string]func(){}
	for range 3 {
		target, end := all.Take(called())
		require.EqualValues(t, 1, target.Busy())
		busy[target.Name] = end
	}
	require.Len(t, busy, 3)
	busy["app#1"]()
	for range 10 {
		require.Equal(t, "app#1", pick(all, called()).Name)
	}
}

func TestRendezvousKeepsToItsTargets(t *testing.T) {
	byArgument := discovery.Rendezvous(discovery.Argument(0))
	entries := servers(t, 5)
	before := targets(t, byArgument, entries...)
	after := targets(t, byArgument, entries[1:]...)
	count := map[string]int{}
	for i := range 1000 {
		key := fmt.Sprint("user", i)
		target := pick(before, called(key, i))
		require.Equal(t, target.Name, pick(before, called(key)).Name)
		count[target.Name]++
		if target.Name != "app#0" {
			require.Equal(t, target.Name, pick(after, called(key)).Name, "only the keys of the one that went away move")
		}
		batch := &transport.Call{Kind: transport.Batch, Entries: []codec.BatchEntry{{Args: []any{key}}, {Args: []any{"x"}}}}
		require.Equal(t, target.Name, pick(before, batch).Name)
	}
	for name, n := range count {
		require.InDelta(t, 200, n, 60, name)
	}
	require.Len(t, count, 5)
	keyless := pick(before, called()).Name
	require.Equal(t, keyless, pick(before, called()).Name, "calls without a key have the same")
}

// The choice is the same in every process and every version.
func TestRendezvousIsStable(t *testing.T) {
	all := targets(t, discovery.Rendezvous(discovery.Argument(0)), servers(t, 4)...)
	var chosen []string
	for i := range 8 {
		chosen = append(chosen, pick(all, called(i)).Name)
	}
	require.Equal(t, []string{"app#1", "app#2", "app#1", "app#1", "app#2", "app#2", "app#0", "app#2"}, chosen)
}
