package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// usable returns the names of the targets that calls go to by turns.
func usable(all *discovery.Targets) map[string]bool {
	names := map[string]bool{}
	for range 20 {
		names[pick(all, called()).Name] = true
	}
	return names
}

func TestDeadTargetsArePassedOverLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := targets(t, discovery.RoundRobin(), servers(t, 2)...)
		dead := pick(all, called())
		require.Equal(t, "app#0", dead.Name)
		both, one := map[string]bool{"app#0": true, "app#1": true}, map[string]bool{"app#1": true}
		for _, seconds := range []float64{1, 2, 4, 8, 16, 32, 60, 60} {
			for range 3 { // those that were under way
				all.Failed(dead)
			}
			time.Sleep(time.Duration(seconds*float64(time.Second)) - time.Millisecond)
			require.Equal(t, one, usable(all))
			time.Sleep(time.Millisecond)
			require.Equal(t, both, usable(all), "a call is to find out")
		}
		all.Reached(dead)
		require.Equal(t, both, usable(all))
		all.Failed(dead)
		require.Equal(t, one, usable(all))
		time.Sleep(time.Second)
		require.Equal(t, both, usable(all), "it begins with a second again")
	})
}

func TestALongTimeIsNeverTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := discovery.NewTargets(discovery.TargetsConfig{
			Balancer: discovery.RoundRobin(), Eject: 20 * time.Second, MaxEject: time.Minute,
		})
		defer all.Close()
		all.Set(servers(t, 2))
		dead := pick(all, called())
		for range 100 {
			all.Failed(dead)
			require.Equal(t, map[string]bool{"app#1": true}, usable(all))
			time.Sleep(time.Minute)
		}
	})
}

func TestWhatHasToBeResolvedIsNoTarget(t *testing.T) {
	entries := servers(t, 2)
	for i, at := range []string{"PYRONAME:app", "PYROMETA:app"} {
		uri, err := pyro.ParseURI(at)
		require.NoError(t, err)
		entries = append(entries, discovery.Entry{Name: fmt.Sprintf("app#other%d", i), URI: uri})
	}
	all := targets(t, discovery.RoundRobin(), entries...)
	require.Equal(t, 2, all.Len())
	require.Equal(t, map[string]bool{"app#0": true, "app#1": true}, usable(all))
}

func TestADeadTargetIsBetterThanNone(t *testing.T) {
	all := targets(t, discovery.RoundRobin(), servers(t, 2)...)
	first := pick(all, called())
	second := pick(all, called())
	all.Failed(first)
	all.Failed(second)
	require.Len(t, usable(all), 2)
	require.Equal(t, second, pick(all, called(), first))
	require.Nil(t, pick(all, called(), first, second), "both were tried")
	all.Reached(first)
	require.Equal(t, map[string]bool{first.Name: true}, usable(all))
	all.Set(nil)
	require.Nil(t, pick(all, called()))
	require.Zero(t, all.Len())
}

func TestWhatIsKnownOfATargetOutlivesAnUpdate(t *testing.T) {
	entries := servers(t, 3)
	all := targets(t, discovery.RoundRobin(), entries...)
	dead, end := all.Take(called())
	all.Failed(dead)
	renamed := entries[0]
	renamed.Name = "app#new"
	all.Set([]discovery.Entry{renamed, entries[1]})
	require.Equal(t, map[string]bool{"app#1": true}, usable(all))
	all.Reached(dead)
	require.Equal(t, map[string]bool{"app#new": true, "app#1": true}, usable(all))
	for range 2 {
		if target := pick(all, called()); target.Name == "app#new" {
			require.EqualValues(t, 1, target.Busy())
		}
	}
	end()
	require.Zero(t, dead.Busy())
}

// A prober finds out about targets as it is told.
type prober struct {
	mu     sync.Mutex
	alive  bool
	probed int
}

func (p *prober) probe(ctx context.Context, _ discovery.Entry) error {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probed++
	if p.alive {
		return nil
	}
	return errors.New("dead")
}

func (p *prober) set(alive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive = alive
}

func TestAProbeFindsOutBesideTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &prober{}
		all := discovery.NewTargets(discovery.TargetsConfig{Balancer: discovery.RoundRobin(), Probe: p.probe})
		defer all.Close()
		all.Set(servers(t, 2))
		dead := pick(all, called())
		both, one := map[string]bool{"app#0": true, "app#1": true}, map[string]bool{"app#1": true}
		all.Failed(dead)
		time.Sleep(time.Minute)
		require.Zero(t, p.probed, "nobody calls, nobody finds out")
		require.Equal(t, one, usable(all), "the probe is under way")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 1, p.probed)
		require.Equal(t, one, usable(all))
		p.set(true)
		time.Sleep(2 * time.Second)
		require.Equal(t, one, usable(all))
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 2, p.probed)
		require.Equal(t, both, usable(all))

		all.Suspect(dead)
		require.Equal(t, one, usable(all), "until the probe has found out")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, both, usable(all))
		p.set(false)
		all.Suspect(dead)
		time.Sleep(time.Second)
		require.Equal(t, one, usable(all))
	})
}

func TestCloseEndsProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		all := discovery.NewTargets(discovery.TargetsConfig{Probe: func(ctx context.Context, _ discovery.Entry) error {
			<-ctx.Done()
			ended = true
			return ctx.Err()
		}})
		all.Set(servers(t, 1))
		all.Suspect(pick(all, called()))
		all.Close()
		require.True(t, ended)
		require.NotNil(t, pick(all, called()))
		all.Suspect(pick(all, called()))
	})
}

func TestTargetsAreForMany(t *testing.T) {
	p := &prober{alive: true}
	all := discovery.NewTargets(discovery.TargetsConfig{Balancer: discovery.LeastBusy(), Probe: p.probe, Eject: time.Millisecond})
	defer all.Close()
	entries := servers(t, 4)
	all.Set(entries)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				target, end := all.Take(called())
				switch (i + n) % 4 {
				case 0:
					all.Failed(target)
				case 1:
					all.Suspect(target)
				case 2:
					all.Reached(target)
				default:
					all.Set(entries[:1+n%4])
				}
				end()
			}
		})
	}
	wg.Wait()
	require.NotNil(t, pick(all, called()))
}

// saying are targets that say by themselves whether they want calls; asked has the names of those who were asked for
// more after they had said no.
func saying(t *testing.T) (cfg discovery.TargetsConfig, say map[string]chan bool, asked chan string) {
	t.Helper()
	say, asked = map[string]chan bool{}, make(chan string, 10)
	for _, e := range servers(t, 3) {
		say[e.Name] = make(chan bool)
	}
	cfg.Balancer = discovery.RoundRobin()
	cfg.Serving = func(ctx context.Context, e discovery.Entry) iter.Seq[bool] {
		return func(yield func(bool) bool) {
			for {
				select {
				case serving := <-say[e.Name]:
					if !yield(serving) {
						return
					}
					if !serving {
						asked <- e.Name
					}
				case <-ctx.Done():
					asked <- e.Name + " is over"
					return
				}
			}
		}
	}
	return cfg, say, asked
}

func TestWhoWantsNoCallsGetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, say, asked := saying(t)
		all := discovery.NewTargets(cfg)
		all.Set(servers(t, 2))
		first, end := all.Take(called())
		require.Equal(t, "app#0", first.Name)
		say["app#0"] <- false
		synctest.Wait()
		require.Equal(t, map[string]bool{"app#1": true}, usable(all))
		require.Empty(t, asked, "a call is under way there")
		end()
		require.Equal(t, "app#0", <-asked, "it can go")
		say["app#1"] <- false
		synctest.Wait()
		require.Equal(t, map[string]bool{"app#0": true, "app#1": true}, usable(all), "better than none")
		target, done := all.Take(called())
		require.NotNil(t, target)
		done()
		say["app#0"] <- true
		synctest.Wait()
		require.Equal(t, map[string]bool{"app#0": true}, usable(all))

		_, end = all.Take(called())
		require.Equal(t, "app#1", <-asked)
		say["app#0"] <- false
		begun := time.Now()
		require.Equal(t, "app#0", <-asked)
		require.Equal(t, 2*time.Second, time.Since(begun), "it is not kept waiting for long")
		end()

		all.Set(servers(t, 3)[1:])
		require.Equal(t, "app#0 is over", <-asked)
		all.Close()
		require.ElementsMatch(t, []string{"app#1 is over", "app#2 is over"}, []string{<-asked, <-asked})
		all.Set(servers(t, 3))
		target, done = all.Take(called(), first)
		require.NotNil(t, target)
		done()
	})
}

// A target is chosen, and says before the call begins that it wants none.
func TestATargetMaySayNoAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, say, _ := saying(t)
		b := &lateBalancer{Balancer: cfg.Balancer}
		cfg.Balancer = b
		all := discovery.NewTargets(cfg)
		defer all.Close()
		all.Set(servers(t, 2))
		b.chosen = func() {
			say["app#0"] <- false
			synctest.Wait()
		}
		target, end := all.Take(called())
		require.Equal(t, "app#1", target.Name)
		end()
		none, _ := all.Take(called(), pick(all, called()), target)
		require.NotNil(t, none, "the one that wants none")
		all.Set(nil)
		none, _ = all.Take(called())
		require.Nil(t, none)
	})
}

type lateBalancer struct {
	discovery.Balancer
	chosen func()
}

func (b *lateBalancer) Pick(call *transport.Call, targets []*discovery.Target) *discovery.Target {
	target := b.Balancer.Pick(call, targets)
	if chosen := b.chosen; chosen != nil {
		b.chosen = nil
		chosen()
	}
	return target
}
