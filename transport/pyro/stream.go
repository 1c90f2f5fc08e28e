package pyro

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

const (
	defaultLinger     = 30 * time.Second // Pyro's ITER_STREAM_LINGER
	defaultMaxStreams = 10000
)

// A streamTable holds a server's remote iterators: whoever knows an id, and is who it was announced to,
// fetches items over any connection.
type streamTable struct {
	cfg StreamConfig
	log *slog.Logger

	mu      sync.Mutex // guards what follows
	streams map[string]*stream
	closed  bool
}

// A stream is one remote iterator. It belongs to the connection that fetched from it last.
type stream struct {
	table          *streamTable
	id             string
	object, method string
	principal      any
	cancel         func()                 // ends the context of the iterator's function; may be nil
	responses      *transport.Annotations // where the iterator puts what goes along with its next item

	doomed atomic.Bool // whoever holds mu has to reap the stream when done

	mu   sync.Mutex // held while the iterator runs
	next func() (any, error, bool)
	stop func()
	over bool
	held *transport.Session // what the iterator may use stays open for it, although its connection ends; nil after the end

	pours    []*pour     // guarded by table.mu
	owner    *serverConn // guarded by table.mu
	linger   *time.Timer // runs while there is no owner; guarded by table.mu
	lifetime *time.Timer
}

func newStreamTable(cfg StreamConfig, log *slog.Logger) *streamTable {
	if cfg.Linger == 0 {
		cfg.Linger = defaultLinger
	}
	if cfg.Max <= 0 {
		cfg.Max = defaultMaxStreams
	}
	return &streamTable{cfg: cfg, log: log, streams: map[string]*stream{}}
}

// add takes an iterator in.
func (t *streamTable) add(seq iter.Seq2[any, error], cancel func(), info *transport.CallInfo, owner *serverConn) (*stream, error) {
	st := &stream{
		table: t, id: uuid.NewString(), cancel: cancel, responses: &info.Response, owner: owner,
		object: info.Object, method: info.Method, principal: owner.peer.Principal,
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.streams) >= t.cfg.Max {
		if cancel != nil {
			cancel()
		}
		return nil, transport.Errorf(transport.CodeResourceExhausted,
			"the server has no room for another item stream (option MaxStreams, %d)", t.cfg.Max)
	}
	st.next, st.stop = iter.Pull2(seq)
	st.held = owner.peer.Session
	st.held.Hold()
	t.streams[st.id] = st
	owner.streams++
	if t.cfg.Lifetime > 0 {
		st.lifetime = time.AfterFunc(t.cfg.Lifetime, st.end)
	}
	return st, nil
}

// limit changes how many there may be; those that are too many stay.
func (t *streamTable) limit(most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cfg.Max = most
}

// find returns the stream with id if principal may have it, and makes conn its owner.
func (t *streamTable) find(id string, conn *serverConn) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.streams[id]
	if st == nil || !reflect.DeepEqual(st.principal, conn.peer.Principal) || st.poursElsewhere(conn) {
		return nil
	}
	st.disown()
	st.owner = conn
	conn.streams++
	if st.linger != nil {
		st.linger.Stop()
		st.linger = nil
	}
	return st
}

// disown takes the stream from its owner, if it has one, under table.mu.
func (st *stream) disown() {
	if st.owner != nil {
		st.owner.streams--
		st.owner = nil
	}
}

// of returns the stream with id if principal may have it.
func (t *streamTable) of(id string, principal any) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.streams[id]
	if st == nil || !reflect.DeepEqual(st.principal, principal) {
		return nil
	}
	return st
}

// objectOf returns the object whose method made the stream with id.
func (t *streamTable) objectOf(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := t.streams[id]; st != nil {
		return st.object
	}
	return ""
}

// orphan starts the time that conn's streams outlive it.
func (t *streamTable) orphan(conn *serverConn) {
	var drop []*stream
	t.mu.Lock()
	for _, st := range t.streams {
		if conn.streams == 0 { // mostly from the beginning: those of others are not looked at
			break
		}
		if st.owner != conn {
			continue
		}
		st.disown()
		if t.cfg.Linger < 0 {
			drop = append(drop, st)
		} else {
			st.linger = time.AfterFunc(t.cfg.Linger, st.end)
		}
	}
	t.mu.Unlock()
	for _, st := range drop {
		st.end()
	}
}

// closeAll ends all streams and takes no more in.
func (t *streamTable) closeAll() {
	t.mu.Lock()
	t.closed = true
	all := make([]*stream, 0, len(t.streams))
	for _, st := range t.streams {
		all = append(all, st)
	}
	t.mu.Unlock()
	for _, st := range all {
		st.end()
	}
}

// end drops the stream. It tells the iterator through its context, and does not wait for an item that is
// being made: who makes it reaps the stream then.
func (st *stream) end() {
	if st.cancel != nil {
		st.cancel()
	}
	pours := st.forget()
	st.doomed.Store(true)
	for _, p := range pours {
		p.stop()
	}
	st.reap()
}

// reap stops a doomed stream's iterator unless it is running.
func (st *stream) reap() {
	if !st.mu.TryLock() {
		return
	}
	if held := st.held; held != nil {
		st.held = nil
		defer held.Release()
	}
	defer st.mu.Unlock()
	defer func() { // an iterator may panic when it is told that nobody wants more
		if r := recover(); r != nil {
			st.table.log.Error("iterator panicked at its end", "object", st.object, "method", st.method,
				"panic", r, "stack", string(debug.Stack()))
		}
	}()
	st.over = true
	st.stop()
}

// addPour returns the stream with id, which stops p when it ends; nil if it is not there for p.
func (t *streamTable) addPour(id string, p *pour) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.streams[id]
	if st == nil || st.poursElsewhere(p.serverConn) {
		return nil
	}
	st.pours = append(st.pours, p)
	return st
}

// poursElsewhere tells whether items go ahead over another connection, under table.mu. Even if that is
// gone, and nobody has noticed yet, some may have been on their way: who goes on here would miss them.
func (st *stream) poursElsewhere(conn *serverConn) bool {
	return slices.ContainsFunc(st.pours, func(p *pour) bool { return p.serverConn != conn })
}

func (st *stream) dropPour(p *pour) {
	st.table.mu.Lock()
	defer st.table.mu.Unlock()
	st.pours = slices.DeleteFunc(st.pours, func(q *pour) bool { return q == p })
}

// forget takes the stream out of the table, and returns who pours it.
func (st *stream) forget() []*pour {
	st.table.mu.Lock()
	defer st.table.mu.Unlock()
	delete(st.table.streams, st.id)
	st.disown()
	for _, t := range [...]*time.Timer{st.linger, st.lifetime} {
		if t != nil {
			t.Stop()
		}
	}
	return slices.Clone(st.pours)
}

var errStreamTerminated = transport.NewError("PyroError", "item stream terminated")

// item returns the next item. After the end, or an error, the stream is gone.
func (st *stream) item(context.Context) (reply *transport.Reply, err error) {
	st.mu.Lock()
	if st.over || st.doomed.Load() {
		st.mu.Unlock()
		st.reap()
		return nil, errStreamTerminated
	}
	finished := true
	defer func() { // a panic of the iterator, too, finishes it
		st.over = st.over || finished
		st.mu.Unlock()
		switch {
		case finished:
			st.end()
		case st.doomed.Load():
			st.reap()
		}
	}()
	v, err, ok := st.next()
	switch {
	case !ok:
		return &transport.Reply{Done: true}, nil
	case err != nil:
		return nil, err
	default:
		finished = false
		reply := &transport.Reply{Value: codec.ValueOf(v)}
		reply.Header.Annotations, *st.responses = *st.responses, nil
		return reply, nil
	}
}

// announce answers with a new remote iterator.
func (w *worker) announce(f *frame, info *transport.CallInfo, r *transport.Reply) (bool, error) {
	call := &info.Call
	e := transport.NewError("ProtocolError", "result of call is an iterator")
	fields := frameFields{typ: msgResult, flags: flagException | flagItemStream, seq: f.seq, serializer: f.serializer}
	if w.s.cfg.Streams.Disabled {
		if r.Cancel != nil {
			r.Cancel()
		}
		return true, w.sendAnnouncement(fields, call, "", e)
	}
	st, err := w.s.streams.add(r.Stream, r.Cancel, info, w.serverConn)
	if err != nil {
		return w.raise(f, call, err)
	}
	return true, w.sendAnnouncement(fields, call, st.id, e)
}

func (w *worker) sendAnnouncement(fields frameFields, call *transport.Call, id string, e *transport.Error) error {
	if w.out == nil {
		w.out = streamPool.get()
	}
	fw := beginFrame(*w.out, &w.o)
	w.annotate(&fw, &fields, call.Header.CorrelationID, nil)
	if id != "" {
		fw.annotate(keyStream, []byte(id))
	}
	fw.endAnnotations()
	var err error
	fw.buf, err = w.known.numbered(fields.serializer).codec.Append(fw.buf, e, w.answers)
	if err != nil {
		*w.out = fw.buf[:fw.start]
		return err
	}
	*w.out, err = fw.finish(fields)
	return err
}

// prepareItem makes of a call for the next item one that the chain sees under the name of the method
// that made the stream.
func (c *serverConn) prepareItem(call *transport.Call) error {
	id, err := streamArg(call)
	if err != nil {
		return err
	}
	if call.Oneway { // nobody would see the item, and the connection may be gone: it must not become the owner
		return errStreamTerminated
	}
	st := c.s.streams.find(id, c)
	if st == nil {
		return errStreamTerminated
	}
	call.Kind = transport.StreamItem
	call.Object, call.Method, call.StreamID = st.object, st.method, id
	call.Fetch = st.item
	return nil
}

// prepareClose makes of a call that ends a stream one that the chain sees under the name of the method that
// made it. Unknown ids are nobody's business: such a call stays one to the daemon, which does nothing.
func (c *serverConn) prepareClose(call *transport.Call) error {
	id, err := streamArg(call)
	if err != nil {
		return err
	}
	st := c.s.streams.of(id, c.peer.Principal)
	if st == nil {
		return nil
	}
	call.Kind = transport.StreamClose
	call.Object, call.Method, call.StreamID = st.object, st.method, id
	call.Fetch = func(context.Context) (*transport.Reply, error) {
		st.end()
		return &transport.Reply{}, nil
	}
	return nil
}

// streamArg reads the id that is the only argument of a stream's calls.
func streamArg(call *transport.Call) (string, error) {
	var id string
	sink := fewArgs{dst: []any{&id}}
	if err := call.Args.Decode(&sink); err != nil {
		return "", err
	}
	return id, sink.check()
}

// openAttribute reads the name off the arguments (name) or, with value set, (name, value). The value stays
// encoded as the second argument, for whoever knows its type.
func openAttribute(call *transport.Call, value bool) error {
	var name string
	sink := fewArgs{dst: []any{&name}, more: value}
	err := call.Args.Decode(&sink)
	switch {
	case value && errors.Is(err, errMore):
	case err != nil:
		return err
	case value:
		return transport.NewError("TypeError", "too few arguments")
	}
	call.Method = name
	return sink.check()
}

// errMore ends the decoding of arguments where those that are wanted end.
var errMore = errors.New("more arguments")

// fewArgs takes a fixed number of positional arguments and no others. With more set, errMore says that there
// are others.
type fewArgs struct {
	dst  []any
	more bool
	got  int
}

func (s *fewArgs) Positional(i int) (any, error) {
	s.got = i + 1
	if i >= len(s.dst) && s.more {
		return nil, errMore
	}
	if i >= len(s.dst) {
		return nil, transport.NewError("TypeError", "too many arguments")
	}
	return s.dst[i], nil
}

func (s *fewArgs) Keyword(name []byte) (any, error) {
	return nil, transport.NewError("TypeError", "got an unexpected keyword argument '"+string(name)+"'")
}

// None lets missing keyword arguments pass, as attribute access sends them.
func (s *fewArgs) None(keywords bool) error {
	if keywords {
		return nil
	}
	return transport.NewError("TypeError", "argument after * must be an iterable, not NoneType")
}

func (s *fewArgs) check() error {
	if s.got < len(s.dst) {
		return transport.NewError("TypeError", "too few arguments")
	}
	return nil
}
