package pyro

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// A Client is a connection to one object that is made when it is needed and made again when it has
// ended. Its methods may be called concurrently; calls share the connection.
type Client struct {
	resolve func(context.Context) (URI, error)
	cfg     DialConfig
	// Unchecked sends calls without a look at the object's metadata, as Pyro4 does with METADATA
	// off.
	unchecked bool

	link    atomic.Pointer[link]
	known   atomic.Pointer[transport.ObjectMetadata] // of the last connection
	dialing chan struct{}                            // holds one token: who has it dials
	failed  atomic.Pointer[failure]                  // the last time that who dialed could not, for no reason of its own
	life    context.Context                          //nolint:containedctx // ends with Close
	end     context.CancelFunc

	mu   sync.Mutex // guards left
	left []*link    // connections that no new calls use: some wait on them still, or items have come there
}

// A failure is why there is no connection after so many attempts.
type failure struct {
	attempts int
	err      error
}

// A link is a connection and what it said of the object.
type link struct {
	*Conn
	members map[string]member
}

type member struct{ attr, oneway bool }

// NewClient returns a client of the object that resolve finds, which is asked before each connection
// is made. With unchecked set, calls are sent without a look at the object's metadata.
func NewClient(resolve func(context.Context) (URI, error), cfg DialConfig, unchecked bool) *Client {
	c := &Client{resolve: resolve, cfg: cfg, unchecked: unchecked, dialing: make(chan struct{}, 1)}
	c.life, c.end = context.WithCancel(context.Background())
	c.dialing <- struct{}{}
	return c
}

// Call is a transport.Endpoint. It connects if need be, refuses what the object does not expose before
// anything is sent, and sends again by itself only what surely never left because the connection
// turned out to be gone, and what a server that shuts down says that it has not carried out.
func (c *Client) Call(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if l := c.leftWith(call.StreamID); l != nil {
		return l.Call(ctx, call)
	}
	for attempt := 1; ; attempt++ {
		if call.Kind == transport.StreamClose && c.link.Load() == nil { // the server drops it by itself
			return &transport.Reply{}, nil
		}
		l, fresh, err := c.connect(ctx, c.cfg.Attempts)
		if err != nil {
			return nil, err
		}
		if err := c.check(l, call); err != nil {
			return nil, err
		}
		reply, err := l.Call(ctx, call)
		if err == nil {
			return reply, nil
		}
		if most := c.attempts(l, fresh, err); attempt >= most {
			return nil, err
		}
	}
}

// maxGoodbyes is how many servers may say goodbye to a call: behind one address there may be several, that are restarted
// one after the other.
const maxGoodbyes = 5

// attempts does what an error of a call means for the connection, and tells how often the call may be sent at most.
func (c *Client) attempts(l *link, fresh bool, err error) int {
	e := transport.AsError(err)
	switch {
	case e.NotSent && errors.Is(err, errGoodbye):
		c.leave(l)
		return maxGoodbyes
	case l.Err() != nil:
		c.lost(l)
		if e.NotSent && !fresh {
			return 2
		}
	case e.Remote && e.EndsConnection(): // the daemon hangs up: spare the next call finding out
		c.link.CompareAndSwap(l, nil)
		_ = l.Close()
	case c.cfg.LeaveAfterTimeout && l.busy():
		c.leave(l)
	}
	return 1
}

// leave has the next call connect anew. The connection that was left stays for the calls that wait on it.
func (c *Client) leave(l *link) {
	c.link.CompareAndSwap(l, nil)
	l.leave()
	c.keep(l)
}

// lost has the next call connect anew, because the connection is over. What has come of iterators stays.
func (c *Client) lost(l *link) {
	if l.holdsItems() { // before others may look for them on a new connection
		c.keep(l)
	}
	c.link.CompareAndSwap(l, nil)
}

// keep keeps a connection that is left, as long as calls wait on it or items are to be had, and ends others that were.
func (c *Client) keep(l *link) {
	var over []*link
	c.mu.Lock()
	if !slices.Contains(c.left, l) {
		c.left = append(c.left, l)
	}
	c.left = slices.DeleteFunc(c.left, func(l *link) bool {
		ends := c.life.Err() != nil || l.Err() != nil && !l.holdsItems()
		if ends {
			over = append(over, l)
		}
		return ends
	})
	c.mu.Unlock()
	for _, l := range over { // which takes its time
		_ = l.Close()
	}
}

// leftWith returns the connection that is over and over which items of a stream have come ahead, or nil. Nobody can go
// on behind them on another one.
func (c *Client) leftWith(streamID string) *link {
	if streamID == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.left {
		if l.holdsItemsOf(streamID) {
			return l
		}
	}
	return nil
}

// connect returns the connection, made anew if there is none. Those who wait while somebody else tries share what comes of
// it: where nobody answers they would wait for as long again, one after the other.
func (c *Client) connect(ctx context.Context, attempts int) (l *link, fresh bool, err error) {
	if l := c.link.Load(); l != nil {
		return l, false, nil
	}
	before := c.failed.Load()
	select {
	case <-c.dialing:
	case <-ctx.Done():
		return nil, false, notSent(ctx.Err())
	}
	defer func() { c.dialing <- struct{}{} }()
	if c.life.Err() != nil {
		return nil, false, notSent(ErrClosed)
	}
	if l := c.link.Load(); l != nil {
		return l, false, nil
	}
	if f := c.failed.Load(); f != before && f.attempts >= attempts {
		return nil, false, f.err
	}
	if l, err = c.dialPatiently(ctx, attempts); err != nil && ctx.Err() == nil && !late(ctx) {
		c.failed.Store(&failure{attempts: attempts, err: err})
	}
	return l, true, err
}

// Waits between attempts to connect.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

// dialPatiently makes the connection, in so many attempts.
func (c *Client) dialPatiently(ctx context.Context, attempts int) (*link, error) {
	wait := firstBackoff
	for attempt := 1; ; attempt++ {
		l, err := c.dial(ctx)
		if err == nil || attempt >= attempts || !worthAnotherTry(err) || !c.sleep(ctx, wait/2+rand.N(wait/2)) { //nolint:gosec // jitter
			return l, err
		}
		wait = min(2*wait, maxBackoff)
	}
}

// worthAnotherTry tells the errors that time may heal.
func worthAnotherTry(err error) bool {
	return errors.Is(err, transport.ErrUnavailable) || errors.Is(err, transport.ErrTimeout) || errors.Is(err, transport.ErrExhausted)
}

// sleep waits for d; it is false if ctx or the client ends before.
func (c *Client) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.life.Done():
	}
	return false
}

// dial makes the connection. Close interrupts it.
func (c *Client) dial(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)() //nolint:contextcheck // two lives end this one
	uri, err := c.resolve(ctx)
	if err != nil {
		return nil, neverSent(err)
	}
	conn, err := Dial(ctx, uri, c.cfg)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: conn}
	if err := l.index(c.unchecked); err != nil {
		_ = conn.Close()
		return nil, neverSent(err)
	}
	c.known.Store(conn.Welcome().Metadata)
	c.link.Store(l)
	return l, nil
}

// Metadata returns what the object exposes as the last connection told it; nil before the first one.
func (c *Client) Metadata() *transport.ObjectMetadata { return c.known.Load() }

// Connected tells whether there is a connection, as far as is known.
func (c *Client) Connected() bool { return c.link.Load() != nil }

// neverSent marks an error that came before the call.
func neverSent(err error) error {
	e := *transport.AsError(err)
	e.NotSent = true
	return &e
}

// index sorts the members that the object exposes. An object without any cannot be called.
func (l *link) index(unchecked bool) error {
	m := l.Welcome().Metadata
	if m == nil {
		return nil
	}
	if len(m.Methods) == 0 && len(m.Attrs) == 0 && !unchecked {
		return transport.Errorf(transport.CodePermissionDenied, "remote object doesn't expose any methods or attributes").
			During("connect", l.uri.String(), l.peer.String())
	}
	l.members = make(map[string]member, len(m.Methods)+len(m.Attrs))
	for _, name := range m.Methods {
		l.members[name] = member{oneway: slices.Contains(m.Oneway, name)}
	}
	for _, name := range m.Attrs {
		l.members[name] = member{attr: true}
	}
	return nil
}

// check refuses what the metadata does not have, and marks what it declares one-way.
func (c *Client) check(l *link, call *transport.Call) error {
	if l.members == nil || call.Object == DaemonObject {
		return nil
	}
	attribute := false
	switch call.Kind {
	case transport.Invoke:
	case transport.Batch:
		return c.checkBatch(l, call)
	case transport.GetAttr, transport.SetAttr:
		attribute = true
	default:
		return nil
	}
	m, known := l.members[call.Method]
	if !attribute && m.oneway {
		call.Oneway = true
	}
	if c.unchecked || known && m.attr == attribute {
		return nil
	}
	what := "attribute or method"
	if call.Kind == transport.SetAttr {
		what = "attribute"
	}
	return l.noMember(what, call.Method, m, known).During(call.Describe(), l.uri.String(), l.peer.String())
}

// noMember is Pyro's error for a name that cannot be used as it was; what is what it might have been.
func (l *link) noMember(what, name string, m member, known bool) *transport.Error {
	e := transport.Errorf(transport.CodeNotFound, "remote object '%s' has no exposed %s '%s'%s",
		l.uri, what, name, misused(m, known))
	e.Class = "builtins.AttributeError"
	e.NotSent, e.NoSuchMember = true, true
	return e
}

// misused says what a member is that was used as what it is not.
func misused(m member, known bool) string {
	switch {
	case !known:
		return ""
	case m.attr:
		return " that can be called: it is an attribute"
	default:
		return " that can be read or set: it is a method"
	}
}

// Connect makes sure that there is a connection and returns what it said in the handshake, and the
// other end.
func (c *Client) Connect(ctx context.Context) (*transport.Welcome, *transport.Peer, URI, error) {
	l, _, err := c.connect(ctx, c.cfg.Attempts)
	if err != nil {
		return nil, nil, URI{}, err
	}
	if l.over() { // gone since: once more
		c.leave(l)
		if l, _, err = c.connect(ctx, c.cfg.Attempts); err != nil {
			return nil, nil, URI{}, err
		}
	}
	return l.Welcome(), l.Peer(), l.URI(), nil
}

// CloseStream tells the server that a remote iterator is wanted no more, if there is a connection.
func (c *Client) CloseStream(ctx context.Context, id string) error {
	_, err := c.Call(ctx, &transport.Call{Kind: transport.StreamClose, StreamID: id, Oneway: true})
	return err
}

// Reconnect ends the connection, if there is one, and tries to make another one until that works or ctx
// ends, with the waits of DialConfig.Attempts. What time does not heal ends it, too.
func (c *Client) Reconnect(ctx context.Context) error {
	if err := c.Release(); err != nil {
		return err
	}
	_, _, err := c.connect(ctx, math.MaxInt)
	return err
}

// Release ends the connection, if there is one: calls in flight fail, the next one connects again.
func (c *Client) Release() error {
	c.mu.Lock()
	left := c.left
	c.left = nil
	c.mu.Unlock()
	if l := c.link.Swap(nil); l != nil {
		left = append(left, l)
	}
	var errs []error
	for _, l := range left {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Close ends the connection; calls in flight fail, and so do later ones.
func (c *Client) Close() error {
	c.end()
	<-c.dialing // nobody dials from here on
	defer func() { c.dialing <- struct{}{} }()
	return c.Release()
}
