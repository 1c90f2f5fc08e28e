package program

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/admin"
	"github.com/pyrokit/pyrokit/service/config"
)

const (
	defaultAdmin = "localhost:9180"
	// checkTime limits what /readyz waits for.
	checkTime = 2 * time.Second
)

// An adminToken is what opens the admin listener. It can change.
type adminToken struct {
	digest atomic.Pointer[[sha256.Size]byte] // nil: none is needed
}

func (t *adminToken) set(token string) {
	if token == "" {
		t.digest.Store(nil)
		return
	}
	digest := sha256.Sum256([]byte(token))
	t.digest.Store(&digest)
}

// opens tells whether a token is the right one, in the same time for each wrong one.
func (t *adminToken) opens(token string) bool {
	want := t.digest.Load()
	got := sha256.Sum256([]byte(token))
	return want == nil || subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// adminTokenOf reads the token of the admin listener; empty if there is none.
func adminTokenOf(c *configv1.Config) (string, error) {
	if c.GetAdmin().GetToken() == nil {
		return "", nil
	}
	token, err := config.ReadSecret(c.GetAdmin().GetToken())
	if err != nil {
		return "", &config.FieldError{Path: tokenPath, Err: err}
	}
	return token, nil
}

func (p *Program) readToken(c *configv1.Config) error {
	token, err := adminTokenOf(c)
	p.token.set(token)
	return err
}

func (r *run) startAdmin(ctx context.Context) (err error) {
	m := r.p.running.GetAdmin()
	if m == nil {
		return nil
	}
	var secure *tls.Config
	if m.GetTls() != nil {
		if secure, err = config.ServerTLS(m.GetTls(), r.p.env("admin.tls")); err != nil {
			return err
		}
	}
	address := m.GetAddress()
	if address == "" {
		address = defaultAdmin
	}
	a, err := admin.Listen(ctx, address, admin.Config{
		Ready:       r.p.checks,
		Metrics:     promhttp.HandlerFor(r.p.metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}),
		Config:      r.p.dump,
		Profiles:    !m.GetNoProfiles(),
		AllowRemote: m.GetAllowRemote(),
		Authorized:  r.p.token.opens,
		TLS:         secure,
		Log:         r.p.log.Logger,
	})
	if err != nil {
		return &config.FieldError{Path: "admin.address", Err: err}
	}
	r.p.mu.Lock()
	r.p.admin = a
	r.p.mu.Unlock()
	r.stops = append(r.stops, func() error {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminTime)
		defer cancel()
		_ = a.Shutdown(end) // who still reads is cut off
		return nil
	})
	return nil
}

var (
	errStarting = errors.New("it is starting")
	errStopping = errors.New("it is stopping")
)

// checks says whether the program may be called.
func (p *Program) checks(ctx context.Context) []admin.Check {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	all := []admin.Check{{Name: "program", Err: p.whyNotRunning()}}
	if p.nameServer != nil {
		_, err := p.nameServer.Count(ctx)
		all = append(all, admin.Check{Name: "name_server", Err: err})
	}
	if p.server == nil {
		return all
	}
	health := p.server.Health()
	for name, status := range health.List() {
		if name == "" {
			name = "server"
		} else {
			name = "service " + name
		}
		check := admin.Check{Name: name}
		if status != service.Serving {
			check.Err = fmt.Errorf("it is %s", status)
		}
		all = append(all, check)
	}
	for _, c := range health.Checks() {
		all = append(all, admin.Check{Name: "check " + c.Name, Err: c.Err})
	}
	return all
}

func (p *Program) whyNotRunning() error {
	select {
	case <-p.stopping:
		return errStopping
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return errStarting
	}
	return nil
}

// dump writes the configuration that was loaded last, with what of it waits for a restart.
func (p *Program) dump(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, path := range p.pending {
		if _, err := fmt.Fprintf(w, "# needs a restart: %s\n", path); err != nil {
			return err
		}
	}
	return p.file.Dump(w, config.DumpOptions{All: true})
}
