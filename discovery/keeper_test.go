package discovery_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
)

// keep runs a Keeper until stop is called.
func keep(t *testing.T, r discovery.Registrar, cfg discovery.KeeperConfig, entries ...discovery.Entry) (k *discovery.Keeper, log *bytes.Buffer, stop func()) {
	t.Helper()
	log = &bytes.Buffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	k = discovery.NewKeeper(r, cfg)
	k.Set(entries)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.Run(ctx)
	}()
	return k, log, func() { cancel(); <-done }
}

// pass lets time go by, and what then happens happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestANameThatWasLostComesBack(t *testing.T) {
	for _, noLease := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			one, two := entry(t, "one", "PYRO:o@h:1", "tag"), entry(t, "two", "PYRO:o@h:2")
			d := newDirectory()
			d.noLease = noLease
			registered := 0
			k, log, stop := keep(t, d, discovery.KeeperConfig{Registered: func() { registered++ }}, one, two)
			synctest.Wait()
			require.Equal(t, []string{"one", "two"}, d.names())
			require.Equal(t, 1, registered)
			d.with(func() { clear(d.entries) })
			pass(5 * time.Second)
			require.Equal(t, []string{"one", "two"}, d.names())
			require.Equal(t, one, d.entries["one"])
			require.Contains(t, log.String(), "a name was lost")

			k.Set([]discovery.Entry{two})
			synctest.Wait()
			require.Equal(t, []string{"two"}, d.names())
			stop()
			require.Equal(t, []string{"two"}, d.names(), "it stays until it is withdrawn")
			require.NoError(t, k.Withdraw(t.Context()))
			require.Empty(t, d.names())
		})
	}
}

func TestNamesOfAKilledProcessVanishWhereThereAreLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		_, _, stop := keep(t, d, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@h:1"))
		pass(time.Hour)
		require.Equal(t, []string{"one"}, d.names(), "it is renewed in time")
		stop()
		pass(10*time.Second + time.Millisecond)
		require.Empty(t, d.names())
	})
}

func TestAKeeperStartsBeforeTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(entry(t, "one", "PYRO:o@old:1"))
		d.failing, d.noLease = errGone, true
		_, log, stop := keep(t, d, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@new:1"))
		defer stop()
		pass(time.Minute)
		require.Equal(t, 1, strings.Count(log.String(), "cannot announce"), "one line says it")
		d.with(func() { d.failing = nil })
		pass(time.Second)
		require.Equal(t, "new", d.entries["one"].URI.Host, "what an earlier process left is replaced")
		require.Equal(t, 1, strings.Count(log.String(), `msg="services are announced" count=1 names=[one] at=[new:1]`))
		require.NotContains(t, log.String(), "lost")
	})
}

func TestANameThatSomebodyElseTookIsLeftToHim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, others := entry(t, "one", "PYRO:o@mine:1"), entry(t, "one", "PYRO:o@other:1")
		d := newDirectory()
		d.noLease = true
		k, log, stop := keep(t, d, discovery.KeeperConfig{}, mine)
		synctest.Wait()
		d.with(func() { d.entries["one"] = others })
		pass(time.Minute)
		require.Equal(t, others, d.entries["one"])
		require.Equal(t, 1, strings.Count(log.String(), `level=WARN msg="somebody else`))
		d.with(func() { delete(d.entries, "one") })
		pass(5 * time.Second)
		require.Equal(t, mine, d.entries["one"], "he gave it up")
		d.with(func() { d.entries["one"] = others })
		stop()
		require.NoError(t, k.Withdraw(t.Context()))
		require.Equal(t, []string{"one"}, d.names(), "it is not ours to withdraw")
	})
}

func TestANameThatIsSharedIsNoWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		d.noLease = true
		_, log, stop := keep(t, d, discovery.KeeperConfig{Shared: true}, entry(t, "one", "PYRO:o@mine:1"))
		defer stop()
		synctest.Wait()
		d.with(func() { d.entries["one"] = entry(t, "one", "PYRO:o@other:1") })
		pass(time.Minute)
		require.Equal(t, 1, strings.Count(log.String(), `level=INFO msg="somebody else`))
		require.NotContains(t, log.String(), "level=WARN")
	})
}

func TestTheLogHasSomeOfManyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var entries []discovery.Entry
		for i := range 99 {
			entries = append(entries, entry(t, fmt.Sprintf("n%02d", 98-i), fmt.Sprintf("PYRO:o@h:%d", 1+i%2)))
		}
		_, log, stop := keep(t, newDirectory(), discovery.KeeperConfig{}, entries...)
		defer stop()
		synctest.Wait()
		require.Contains(t, log.String(), `count=99 names="[n00 n01 n02 n03 n04 n05 n06 n07 n08 n09]" at="[h:1 h:2]"`)
	})
}

func TestTagsThatSomebodySetStayWhenALeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		_, _, stop := keep(t, d, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@h:1", "own"))
		defer stop()
		synctest.Wait()
		set := entry(t, "one", "PYRO:o@h:1", "other")
		d.with(func() { d.entries["one"] = set })
		pass(time.Minute)
		require.Equal(t, set, d.entries["one"])
	})
}

func TestAKeeperWithoutLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		_, _, stop := keep(t, d, discovery.KeeperConfig{Lease: -1}, entry(t, "one", "PYRO:o@h:1"))
		pass(time.Second)
		stop()
		require.Equal(t, []string{"register one"}, d.calls)
	})
}

func TestWhatCannotBeWithdrawnIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		k, log, stop := keep(t, d, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@h:1"))
		synctest.Wait()
		stop()
		d.with(func() { d.failing = errGone })
		require.ErrorIs(t, k.Withdraw(t.Context()), errGone)
		require.Contains(t, log.String(), "cannot withdraw")
	})
}

// Nobody knows what a directory has done that has only answered with errors. The log says already that it cannot be reached.
func TestWhatWasPerhapsRegisteredMayStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		d.failing = errGone
		k, log, stop := keep(t, d, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@h:1"))
		synctest.Wait()
		stop()
		require.ErrorIs(t, k.Withdraw(t.Context()), errGone)
		require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	})
}

// One who ends must not wait for a directory that hangs.
func TestWithdrawingHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, stop := keep(t, hanging{newDirectory()}, discovery.KeeperConfig{}, entry(t, "one", "PYRO:o@h:1"), entry(t, "two", "PYRO:o@h:2"))
		synctest.Wait()
		stop()
		begun := time.Now()
		require.ErrorIs(t, k.Withdraw(context.WithoutCancel(t.Context())), context.DeadlineExceeded)
		require.Equal(t, discovery.DefaultKeepTimeout, time.Since(begun))
	})
}

// hanging never answers who withdraws.
type hanging struct{ *directory }

func (hanging) Unregister(ctx context.Context, _ discovery.Entry) error {
	<-ctx.Done()
	return ctx.Err()
}

// plain is a registrar that can nothing else.
type plain struct{ discovery.Registrar }

func TestARegistrarThatCannotTellIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		_, _, stop := keep(t, plain{d}, discovery.KeeperConfig{Every: time.Second}, entry(t, "one", "PYRO:o@h:1"))
		synctest.Wait()
		d.with(func() { clear(d.entries) })
		pass(time.Second)
		require.Equal(t, []string{"one"}, d.names())
		stop()
	})
}
