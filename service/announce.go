package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/internal/loopback"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const withdrawTimeout = 2 * time.Second // at the end, when somebody waits

// Announce makes the services known under their names while the server runs. Where that fails it is
// tried again until it works, so that a system may start in any order, and looked after from then on: names come
// back when the directory has lost them, and go when the server ends; where the directory has leases, they go soon after
// the end of the process, too, however it came. A name that somebody else has taken since is left to him.
func Announce(r discovery.Registrar) ServerOption { return announcement{registrar: r} }

// AnnounceInstance announces each service as one of several instances of its name, that a proxy with [Balance]
// calls as if they were one: as NAME#id, with the tag pyro.service:NAME, by which Python gets any one of them as
// PYROMETA:pyro.service:NAME. An empty id is made up anew each time that the server is made. It goes together with
// Announce, which gives the name itself to the instance that was the last to take it.
func AnnounceInstance(r discovery.Registrar, id string) ServerOption {
	if id == "" {
		id = fmt.Sprintf("%08x", rand.Uint32()) //nolint:gosec // different, not secret
	}
	return announcement{registrar: r, instance: id}
}

// AnnounceServing has [Announce] and [AnnounceInstance] make a service known only while it is [Serving]: its name is
// withdrawn when it is not, and comes back when it is. See [Health].
func AnnounceServing() ServerOption {
	return serverOption(func(c *serverConfig) error { c.pb.AnnounceServing = true; return nil })
}

// An announcement is who is told of the services, and as what.
type announcement struct {
	registrar discovery.Registrar
	instance  string // empty: under their own names
}

func (a announcement) applyToServer(c *serverConfig) error {
	c.announced = append(c.announced, a)
	return given("Announce", a.registrar != nil)
}

// A keeper keeps the services announced.
type keeper struct {
	*discovery.Keeper
	announcement
}

// announce starts what goes on until stop: the chores, and a goroutine for each registrar, which keeps the
// services known.
func (s *Server) announce() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	leaving, abandon := context.WithCancel(context.Background())
	s.abandon = abandon
	s.keepHouse(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.cfg.announced {
		s.keepers = append(s.keepers, keeper{discovery.NewKeeper(a.registrar, discovery.KeeperConfig{
			Logger:     s.log,
			Shared:     a.instance == "" && s.isInstance(),
			Registered: func() { s.warnOfLoopback(a.registrar) },
		}), a})
	}
	s.tellKeepers()
	for _, k := range s.keepers {
		s.announc.Go(func() {
			k.Run(ctx)
			end, cancel := context.WithTimeout(leaving, withdrawTimeout)
			defer cancel()
			_ = k.Withdraw(end) // it has logged what stays
		})
	}
}

// isInstance tells whether the server is one of several that may take the same names.
func (s *Server) isInstance() bool {
	return slices.ContainsFunc(s.cfg.announced, func(a announcement) bool { return a.instance != "" })
}

// withdraw ends what announce began, and waits until the names are withdrawn or ctx ends.
func (s *Server) withdraw(ctx context.Context) {
	defer s.abandon()
	defer context.AfterFunc(ctx, s.abandon)()
	s.stop()
	done := make(chan struct{})
	go func() {
		s.announc.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// tellKeepers tells who announces what is to be announced: the services that were given a name. It needs mu.
func (s *Server) tellKeepers() {
	for _, k := range s.keepers {
		var entries []discovery.Entry
		for _, name := range s.order {
			svc := s.services[name]
			if svc.generated || s.cfg.pb.GetAnnounceServing() && s.health.status(name) != Serving {
				continue
			}
			e := discovery.Entry{Name: name, URI: s.uri(name), Metadata: svc.metadata}
			if k.instance != "" {
				e = discovery.Instance(e, k.instance)
			}
			entries = append(entries, e)
		}
		k.Set(entries)
	}
}

// warnOfLoopback warns where a name server on the network was given an address that only this machine can
// reach.
func (s *Server) warnOfLoopback(r discovery.Registrar) {
	located, ok := r.(interface{ Location() pyro.URI })
	if !ok {
		return
	}
	at, own := located.Location(), s.URI("")
	if at.Host == "" || loopback.Means(at) || resolvesToLoopback(at) {
		return
	}
	if loopback.Means(own) || !s.advertises() && resolvesToLoopback(own) {
		s.log.Warn("the services are announced to others at an address that only this machine can reach (options Listen, Advertise)",
			"location", own.Location(), "registrar", at.Location())
	}
}

// advertises tells whether URIs carry what others see, which is for them to resolve.
func (s *Server) advertises() bool {
	l := s.cfg.pb.GetListeners()
	return s.cfg.defaults.advertise != "" || len(l) > 0 && l[0].GetAdvertise() != ""
}

func resolvesToLoopback(u pyro.URI) bool { return loopback.Resolves(context.Background(), u.Host) }
