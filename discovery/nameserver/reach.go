package nameserver

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Variables for the tests.
var (
	lookupAddresses = net.DefaultResolver.LookupNetIP
	connect         func(ctx context.Context, network, address string) (net.Conn, error) // nil: as pyro.Dialer does
)

// reach returns a client of the name server at a URI, which has answered. Of a host with several addresses that one is
// taken which answers first: one where somebody accepts connections and says nothing holds nobody up.
func (l *Locator) reach(ctx context.Context, uri pyro.URI) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(max(0, l.Dial.Timeout), pyro.DefaultTimeout))
	defer cancel()
	addresses := l.addresses(ctx, uri)
	if len(addresses) == 0 {
		return ping(ctx, New(uri, l.Dial))
	}
	connected := make(chan struct{}, 1)
	r := race{stagger: pyro.DefaultStagger, patience: l.stagger(), connected: connected}
	for _, a := range addresses {
		p := &pinned{address: net.JoinHostPort(a.String(), strconv.Itoa(uri.Port)), prefer: l.Dial.PreferIP, connected: connected}
		r.ask = append(r.ask, func(ctx context.Context) (*Client, error) {
			cfg := l.Dial
			cfg.Dial = p.dial
			c, err := ping(ctx, New(uri, cfg))
			p.answered.Store(err == nil)
			return c, err
		})
	}
	return r.run(ctx)
}

// addresses returns the addresses of the host in a URI, in the order in which they are tried; none where it is not for the
// Locator to connect to them.
func (l *Locator) addresses(ctx context.Context, uri pyro.URI) []netip.Addr {
	if l.Dial.Dial != nil || uri.Socket != "" {
		return nil
	}
	found, err := lookupAddresses(ctx, "ip", uri.Host)
	if err != nil {
		return nil // who connects says it
	}
	return byTurns(found, l.Dial.PreferIP)
}

// byTurns returns addresses so that IP versions take turns, beginning with the preferred one, else with that of the first
// address. Source: RFC 8305, section 4.
func byTurns(addresses []netip.Addr, prefer int) []netip.Addr {
	versions := map[bool][]netip.Addr{} // 4 is true
	for _, a := range addresses {
		a = a.Unmap()
		if of := versions[a.Is4()]; !slices.Contains(of, a) {
			versions[a.Is4()] = append(of, a)
		}
	}
	first := prefer == 4 || prefer != 6 && len(addresses) > 0 && addresses[0].Unmap().Is4()
	var turns []netip.Addr
	for one, other := versions[first], versions[!first]; len(one)+len(other) > 0; one, other = other, one {
		if len(one) > 0 {
			turns, one = append(turns, one[0]), one[1:]
		}
	}
	return turns
}

// ping returns the client if the name server answers.
func ping(ctx context.Context, c *Client) (*Client, error) {
	if err := c.Ping(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// A pinned connects to one address of a host. Once the name server there has answered, later connections may go to the other
// addresses of the host, if this one fails.
type pinned struct {
	address   string
	prefer    int             // an IP version
	connected chan<- struct{} // gets a value when there is a connection and no answer yet
	answered  atomic.Bool
}

func (p *pinned) dial(ctx context.Context, network, host string) (net.Conn, error) {
	d := &pyro.Dialer{Prefer: p.prefer, Connect: connect}
	c, err := d.DialContext(ctx, network, p.address)
	if p.answered.Load() {
		if err != nil && ctx.Err() == nil {
			return d.DialContext(ctx, network, host)
		}
		return c, err
	}
	if err == nil {
		select {
		case p.connected <- struct{}{}:
		default:
		}
	}
	return c, err
}

// A race asks several name servers one after the other, the next one when one has failed or takes long.
type race struct {
	ask       []func(context.Context) (*Client, error)
	stagger   time.Duration   // for how long one is waited for alone that has not connected; 0: patience
	patience  time.Duration   // for how long one is waited for alone that has connected
	connected <-chan struct{} // gets a value when one has connected
}

type raced struct {
	client *Client
	err    error
}

// run returns the client that is there first. All that it started has ended by then.
func (r *race) run(ctx context.Context) (*Client, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	results := make(chan raced, len(r.ask))
	defer func() {
		cancel()
		running.Wait()
		close(results)
		for late := range results {
			if late.client != nil {
				_ = late.client.Close()
			}
		}
	}()
	timer := time.NewTimer(0) // when the next one is asked
	defer timer.Stop()
	var failed error
	for next, pending := 0, 0; ; {
		select {
		case <-timer.C:
			if next == len(r.ask) {
				continue
			}
			ask := r.ask[next]
			running.Go(func() {
				c, err := ask(ctx)
				results <- raced{c, err}
			})
			next, pending = next+1, pending+1
			timer.Reset(cmp.Or(r.stagger, r.patience))
		case <-r.connected:
			timer.Reset(r.patience)
		case res := <-results:
			if res.err == nil {
				return res.client, nil
			}
			failed = both(failed, res.err)
			if pending--; next < len(r.ask) && ctx.Err() == nil {
				timer.Reset(0)
			} else if pending == 0 {
				return nil, failed
			}
		}
	}
}
