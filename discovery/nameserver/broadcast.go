package nameserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// DefaultBroadcastPort is the UDP port on which name servers answer broadcasts.
const DefaultBroadcastPort = 9091

const (
	broadcastRounds  = 3
	broadcastWait    = 700 * time.Millisecond // for answers to one round
	broadcastRequest = "GET_NSURI"
	allNetworks      = "<broadcast>" // is what Python's socket library calls them
	maxAnswer        = 512           // bytes; host names are shorter
	maxBelieved      = 16            // name servers that are tried, of those that answers tell of
)

// Broadcast asks the network for a name server, as Pyro does: three times, 0.7 s each, it sends a datagram to each of
// addresses at port (0 means 9091). "<broadcast>", and no address at all, means 255.255.255.255 and the broadcast
// address of each interface, loopback's included: a machine without a default route has only those.
//
// Anybody may answer, so an answer counts once the name server that it tells of has answered a ping. The first that does
// so is returned; cfg says how to connect to it. Still, whoever answers first is believed: it is for looking names up, not
// for programs that register theirs. The error says where it was asked and what was answered. Only IPv4 has broadcasts.
func Broadcast(ctx context.Context, cfg pyro.DialConfig, port int, addresses ...string) (*Client, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", ":0")
	if err != nil {
		return nil, transport.Wrap(transport.CodeUnavailable, fmt.Errorf("broadcast: %w", err))
	}
	s := &search{
		conn: conn, cfg: cfg, port: cmp.Or(port, DefaultBroadcastPort), addresses: broadcastAddresses(addresses),
		known: map[string]bool{}, tried: make(chan answer, maxBelieved),
	}
	return s.run(ctx)
}

// broadcastAddresses returns each address once, with those of the interfaces in the place of "<broadcast>".
func broadcastAddresses(given []string) []string {
	if len(given) == 0 {
		given = []string{allNetworks}
	}
	var all []string
	known := map[string]bool{}
	add := func(addresses ...string) {
		for _, a := range addresses {
			if !known[a] {
				known[a] = true
				all = append(all, a)
			}
		}
	}
	for _, a := range given {
		if a == allNetworks {
			add(net.IPv4bcast.String())
			add(interfaceAddresses()...)
		} else {
			add(a)
		}
	}
	return all
}

// interfaceAddresses returns the broadcast addresses of the interfaces that are up.
func interfaceAddresses() []string {
	interfaces, _ := net.Interfaces() // without them it is asked where it can be
	var all []string
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&(net.FlagBroadcast|net.FlagLoopback) == 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if b := broadcastAddress(n); b != nil {
					all = append(all, b.String())
				}
			}
		}
	}
	return all
}

// broadcastAddress returns the highest address of a network, nil if that is an ordinary one, or of IPv6.
func broadcastAddress(n *net.IPNet) net.IP {
	ip := n.IP.To4()
	ones, bits := n.Mask.Size()
	if ip == nil || bits != 8*net.IPv4len || bits-ones < 2 {
		return nil
	}
	highest := make(net.IP, net.IPv4len)
	for i := range highest {
		highest[i] = ip[i] | ^n.Mask[i]
	}
	return highest
}

// A search asks the network for a name server.
type search struct {
	conn      net.PacketConn
	cfg       pyro.DialConfig
	port      int
	addresses []string

	asked  int             // rounds that have begun
	over   bool            // the time of the last round is over
	known  map[string]bool // URIs that were answered
	trying int             // name servers that are being tried
	tried  chan answer     // has room for all that are tried
	unsent []error         // of the last round
	wrong  []error         // why name servers were not where answers said
}

// An answer is what somebody says about where the name server is.
type answer struct {
	uri    pyro.URI
	from   net.Addr
	client *Client
	err    error // why it is not there
}

// run asks until a name server was found. All that it started has ended by then.
func (s *search) run(ctx context.Context) (*Client, error) {
	ctx, cancel := context.WithCancel(ctx)
	answers, listening := make(chan answer), make(chan struct{})
	go func() {
		defer close(listening)
		s.listen(ctx, answers)
	}()
	defer func() {
		cancel()
		_ = s.conn.Close()
		<-listening
		for ; s.trying > 0; s.trying-- {
			_ = (<-s.tried).client.Close()
		}
	}()
	round := time.NewTimer(0)
	defer round.Stop()
	for !s.over || s.trying > 0 {
		select {
		case <-ctx.Done():
			return nil, transport.Wrap(transport.AsError(ctx.Err()).Code, fmt.Errorf("%w: %w", s.failure(), ctx.Err()))
		case <-round.C:
			if s.next(ctx) {
				round.Reset(broadcastWait)
			}
		case a := <-answers:
			s.heard(ctx, a)
		case a := <-s.tried:
			if s.trying--; a.err == nil {
				return a.client, nil
			}
			_ = a.client.Close()
			s.wrong = append(s.wrong, fmt.Errorf("%s answered that it is at %s: %w", a.from, a.uri.Location(), a.err))
		}
	}
	return nil, s.failure()
}

// next begins the next round; it is false if there is none.
func (s *search) next(ctx context.Context) bool {
	if s.asked == broadcastRounds {
		s.over = true
		return false
	}
	s.asked++
	s.unsent = s.ask(ctx)
	s.over = len(s.unsent) == len(s.addresses)
	return !s.over
}

// heard has an answer tried, if it says something new.
func (s *search) heard(ctx context.Context, a answer) {
	at := a.uri.String()
	if s.known[at] || len(s.known) == maxBelieved {
		return
	}
	s.known[at] = true
	s.trying++
	go func() { s.tried <- s.try(ctx, a) }()
}

// ask sends one round, and returns why that failed, where it did.
func (s *search) ask(ctx context.Context) (unsent []error) {
	for _, address := range s.addresses {
		if err := s.send(ctx, address); err != nil {
			unsent = append(unsent, fmt.Errorf("not sent to %s: %w", address, err))
		}
	}
	return unsent
}

func (s *search) send(ctx context.Context, address string) error {
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip4", address)
	if err != nil {
		return err
	}
	_, err = s.conn.WriteTo([]byte(broadcastRequest), &net.UDPAddr{IP: ips[0], Port: s.port})
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Err // the addresses are told beside it
	}
	return err
}

// listen passes answers on that tell of a name server, until ctx ends or the connection is closed.
func (s *search) listen(ctx context.Context, answers chan<- answer) {
	var buf [maxAnswer]byte
	for {
		n, from, err := s.conn.ReadFrom(buf[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n == len(buf) { // nobody listened at one of the addresses, for one
			continue
		}
		uri, err := pyro.ParseURI(latin1(buf[:n]))
		if err != nil || uri.Protocol != pyro.ProtocolPyro || uri.Object != ObjectName || uri.Socket != "" {
			continue
		}
		select {
		case answers <- answer{uri: uri, from: from}:
		case <-ctx.Done():
			return
		}
	}
}

// try sees whether the name server is there that an answer tells of.
func (s *search) try(ctx context.Context, a answer) answer {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(max(0, s.cfg.Timeout), pyro.DefaultTimeout))
	defer cancel()
	a.client = New(a.uri, s.cfg)
	a.err = a.client.Ping(ctx)
	return a
}

// failure says where it was asked, and what came of it.
func (s *search) failure() error {
	var why error
	for _, err := range slices.Concat(s.unsent, s.wrong) {
		why = both(why, err)
	}
	asked := strings.Join(s.addresses, ", ")
	switch {
	case why == nil:
		return transport.Errorf(transport.CodeUnavailable, "no name server answered the broadcast to %s at port %d", asked, s.port)
	case len(s.wrong) == 0 && len(s.unsent) == len(s.addresses):
		return transport.Errorf(transport.CodeUnavailable, "broadcast at port %d: %w", s.port, why)
	default:
		return transport.Errorf(transport.CodeUnavailable,
			"no name server answered the broadcast to %s at port %d: %w", asked, s.port, why)
	}
}

// latin1 reads text in ISO-8859-1, which answers are written in.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
