package pyro

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// DefaultStagger is how long one address of a host is tried alone before the next one is, too. Source: RFC
// 8305, section 8.
const DefaultStagger = 250 * time.Millisecond

// A Dialer makes network connections. It tries all addresses of a host, those of both IP versions by turns,
// the next one as soon as one has failed or taken too long, and keeps the first that connects (RFC 8305,
// "Happy Eyeballs"). TCP keep-alive is on, every 15 seconds, and Nagle's algorithm off; on Linux a connection ends
// when the peer has not acknowledged for a minute what was sent (RFC 5482). The zero value is ready for use.
type Dialer struct {
	// Prefer is the IP version whose addresses come first, 4 or 6; 0 leaves that to the system, which
	// follows RFC 6724.
	Prefer int
	// Stagger is how long an address is tried alone; 0 means DefaultStagger.
	Stagger time.Duration
	// TLS, if not nil, has connections speak TLS; an empty ServerName means the host that is dialled.
	TLS *tls.Config
	// Resolver finds the addresses of a host; nil means net.DefaultResolver.
	Resolver Resolver
	// Connect makes the connection to one address; nil means a net.Dialer.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Resolver finds the addresses of a host; network is "ip", "ip4" or "ip6". A *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DialContext connects to address, HOST:PORT or for network "unix" a path. It has the signature of
// net.Dialer's, for DialConfig.Dial. All its goroutines have ended when it returns.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.dial(ctx, network, address)
	if err != nil || d.TLS == nil {
		return c, err
	}
	cfg := d.TLS
	if cfg.ServerName == "" {
		host, _, splitErr := net.SplitHostPort(address)
		if splitErr != nil {
			host = address
		}
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	t := tls.Client(c, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, noTLS(err)
	}
	return t, nil
}

// noTLS says what may be the matter with a peer whose answer was none of TLS.
func noTLS(err error) error {
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain || hungUp(err) {
		return fmt.Errorf("%w: the peer may speak no TLS", err)
	}
	return err
}

// dial connects without TLS.
func (d *Dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connect := d.Connect
	if connect == nil {
		connect = (&net.Dialer{Control: limitSilence}).DialContext
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || network == "unix" || host == "" {
		return connect(ctx, network, address)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return connect(ctx, network, address)
	}
	addrs, err := d.lookup(ctx, network, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	race := &dialRace{connect: connect, network: network, results: make(chan dialResult, len(addrs))}
	for _, a := range interleave(addrs, d.Prefer) {
		race.addresses = append(race.addresses, net.JoinHostPort(a.String(), port))
	}
	stagger := d.Stagger
	if stagger <= 0 {
		stagger = DefaultStagger
	}
	return race.run(ctx, stagger)
}

func (d *Dialer) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	family := "ip"
	if network == "tcp4" || network == "tcp6" {
		family += network[len("tcp"):]
	}
	var r Resolver = net.DefaultResolver
	if d.Resolver != nil {
		r = d.Resolver
	}
	addrs, err := r.LookupNetIP(ctx, family, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addrs, err
}

// interleave orders addresses so that IP versions take turns, beginning with the preferred one, else with
// that of the first address.
func interleave(addrs []netip.Addr, prefer int) []netip.Addr {
	var v4, v6 []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	first, second := v4, v6
	if prefer == 6 || prefer != 4 && !addrs[0].Unmap().Is4() {
		first, second = v6, v4
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(second) {
			mixed = append(mixed, second[i])
		}
	}
	return mixed
}

// checkPrefer returns an error unless version is 4, 6 or 0.
func checkPrefer(version int) error {
	switch version {
	case 0, 4, 6:
		return nil
	default:
		return fmt.Errorf("IP version %s: want 4, 6 or 0 for the system's choice", strconv.Itoa(version))
	}
}

// A dialRace tries addresses one after the other, and those that take long at the same time.
type dialRace struct {
	connect   func(ctx context.Context, network, address string) (net.Conn, error)
	network   string
	addresses []string
	results   chan dialResult // has room for all
	running   sync.WaitGroup
}

type dialResult struct {
	conn net.Conn
	err  error
}

func (r *dialRace) run(ctx context.Context, stagger time.Duration) (net.Conn, error) {
	if len(r.addresses) == 1 {
		return r.connect(ctx, r.network, r.addresses[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer r.settle()
	defer cancel() // first: what still runs is to end
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	var failed error
	r.start(ctx, 0)
	for next, pending := 1, 1; ; {
		select {
		case res := <-r.results:
			if res.err == nil {
				return res.conn, nil
			}
			failed = bothErrors(failed, res.err)
			pending--
		case <-timer.C:
		}
		switch {
		case next < len(r.addresses) && ctx.Err() == nil:
			r.start(ctx, next)
			next++
			pending++
			timer.Reset(stagger)
		case pending == 0:
			return nil, failed
		}
	}
}

// bothErrors keeps what each address said, on one line.
func bothErrors(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; %w", first, second)
}

func (r *dialRace) start(ctx context.Context, i int) {
	r.running.Go(func() {
		c, err := r.connect(ctx, r.network, r.addresses[i])
		r.results <- dialResult{c, err}
	})
}

// settle waits for the attempts that lost and closes what they opened.
func (r *dialRace) settle() {
	r.running.Wait()
	for {
		select {
		case res := <-r.results:
			if res.err == nil {
				_ = res.conn.Close()
			}
		default:
			return
		}
	}
}
