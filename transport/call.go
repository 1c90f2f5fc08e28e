package transport

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// Kind tells what a Call asks for.
type Kind uint8

// The kinds of calls.
const (
	Invoke      Kind = iota // a method
	GetAttr                 // the value of an attribute
	SetAttr                 // setting an attribute; the value is the only argument
	Metadata                // what an object exposes
	StreamItem              // the next item of a remote iterator
	Ping                    // a round trip that no object sees
	Batch                   // several methods in one message, on a client; a server gets each as an Invoke
	StreamClose             // the end of a remote iterator that is wanted no more
)

var kindNames = [...]string{"invoke", "getattr", "setattr", "metadata", "streamitem", "ping", "batch", "streamclose"}

// BatchMethod is the Method of a call of kind Batch.
const BatchMethod = "<batch>"

// String returns the kind in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// A Call is one request on its way through a chain. An Endpoint must not keep it, nor what it points
// to, after it has returned.
type Call struct {
	Kind   Kind
	Object string // the object's id
	Method string // for attributes the attribute's name; for StreamItem and StreamClose the method that made the stream
	Args   Args
	Oneway bool // no reply is wanted
	Batch  bool // on a server: one entry of a batch
	Header Header
	Peer   *Peer // on a client nil until a connection is there

	// Entries are what a call of kind Batch calls, in order.
	Entries []codec.BatchEntry
	// StreamID names the remote iterator of a StreamItem or StreamClose call.
	StreamID string
	// Fetch, where it is set, is what a server's innermost endpoint has to call: it gives the next item of
	// a StreamItem call, and carries a StreamClose call out.
	Fetch func(context.Context) (*Reply, error)
	// Ahead, on a client, lets a server that can send the item of a StreamItem call and those that follow
	// it before they are asked for. The calls for them must say so, too, and go over the same connection.
	Ahead bool
	// Timeout is a limit of this call alone on a client; 0 means the proxy's.
	Timeout time.Duration
	// Serializer is what a client sends this call in; empty means that of the connection.
	Serializer string
	// OnReply, on a client, is called with the header of the reply before the call returns, of an exception,
	// too, where it came off the wire. The header is OnReply's own.
	OnReply func(Header)
	// ListArgs has a client send the positional arguments as a list, as calls to the daemon object
	// have them.
	ListArgs bool

	reply *Reply // on a server, memory for Answer
}

// Got tells OnReply of a reply's header. It is for transports.
func (c *Call) Got(h Header) {
	if c.OnReply == nil {
		return
	}
	h.Annotations = slices.Clone(h.Annotations)
	for i, a := range h.Annotations {
		h.Annotations[i].Value = slices.Clone(a.Value)
	}
	c.OnReply(h)
}

// Describe says in words what c does, as in "call get_fortune".
func (c *Call) Describe() string {
	switch c.Kind {
	case GetAttr:
		return "get " + c.Method
	case SetAttr:
		return "set " + c.Method
	case StreamItem:
		return "next item of " + c.Method
	case StreamClose:
		return "close items of " + c.Method
	case Metadata:
		return "metadata"
	case Ping:
		return "ping"
	case Batch:
		return "batch of " + strconv.Itoa(len(c.Entries)) + " calls"
	default:
		return "call " + c.Method
	}
}

// Methods returns the names of the methods that c carries out: its own, or those of a batch. For a rule
// by methods, such as which may run twice, a batch is what all of its entries are.
func (c *Call) Methods() iter.Seq[string] {
	return func(yield func(string) bool) {
		if c.Kind != Batch {
			yield(c.Method)
			return
		}
		for i := range c.Entries {
			if !yield(c.Entries[i].Method) {
				return
			}
		}
	}
}

// Answer returns a Reply with value. On a server it lies in the call's own memory, so it is for the
// innermost endpoint: a middleware that copies a call and takes the copies through the chain at the
// same time has to make Replies of its own.
func (c *Call) Answer(value codec.Value) *Reply {
	r := c.reply
	if r == nil {
		return &Reply{Value: value}
	}
	c.reply = nil
	r.Value = value
	return r
}

// Args are the arguments of a call: Go values on a client, encoded ones on a server, where a middleware may
// put Go values in their place.
type Args struct {
	Positional []any
	Keywords   codec.Kwargs

	head  codec.Head // whole: pickle sees to it that the arguments are those of this very call
	codec codec.Codec
	opts  *codec.Options
}

// EncodedArgs returns arguments that are still encoded as h, by c.
func EncodedArgs(h codec.Head, c codec.Codec, o *codec.Options) Args {
	return Args{head: h, codec: c, opts: o}
}

// Encoded reports whether the arguments are still encoded.
func (a *Args) Encoded() bool { return a.codec != nil }

// Size returns how many bytes the encoded arguments take, with what their serializer keeps beside them; 0 for
// Go values.
func (a *Args) Size() int { return len(a.head.Rest) }

// Decode hands the arguments to sink. Go values are stored as they are where the types agree.
func (a *Args) Decode(sink codec.ArgSink) error {
	if a.codec != nil {
		return a.codec.DecodeArgs(a.head, sink, a.opts)
	}
	for i, v := range a.Positional {
		dst, err := sink.Positional(i)
		if err != nil {
			return err
		}
		if err := store(dst, v, "args["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Keywords)) {
		dst, err := sink.Keyword([]byte(name))
		if err != nil {
			return err
		}
		if err := store(dst, a.Keywords[name], "kwargs."+name); err != nil {
			return err
		}
	}
	return nil
}

// store stores the argument v, which stands at path, in *dst.
func store(dst, v any, path string) error {
	if p, ok := dst.(*codec.Value); ok {
		*p = codec.ValueOf(v)
		return nil
	}
	err := codec.ValueOf(v).Decode(dst)
	if t, ok := errors.AsType[*codec.TypeError](err); ok {
		t.Path = path
	}
	return err
}

// Header is what goes along with a call or a reply beside its payload.
type Header struct {
	// CorrelationID is passed on through a chain of calls; the zero UUID means none.
	CorrelationID uuid.UUID
	Annotations   Annotations
	// Seq, Flags and Serializer are the numbers of the message that a server received.
	Seq        uint16
	Flags      uint16
	Serializer uint8
}

// An Annotation is a key of four ASCII letters and a value that travel beside a message.
type Annotation struct {
	Key   string
	Value []byte
}

// Annotations are a message's annotations. Where a key comes twice, the last one counts.
type Annotations []Annotation

// Get returns the value of key and whether it is there.
func (a Annotations) Get(key string) ([]byte, bool) {
	for _, v := range slices.Backward(a) {
		if v.Key == key {
			return v.Value, true
		}
	}
	return nil, false
}

// Set adds key with value, or replaces the value it has.
func (a *Annotations) Set(key string, value []byte) {
	for i := range *a {
		if (*a)[i].Key == key {
			(*a)[i].Value = value
			return
		}
	}
	*a = append(*a, Annotation{Key: key, Value: value})
}

// A Reply answers a Call.
type Reply struct {
	// Value is the result. On a client it is valid until Release.
	Value codec.Value
	// Stream, on a server, makes the reply a remote iterator of these items.
	Stream iter.Seq2[any, error]
	// Cancel, if set, ends the context that Stream's function works with.
	Cancel func()
	// StreamID, on a client, names the remote iterator that the call returned.
	StreamID string
	// Done says that a StreamItem call found the end of the iterator.
	Done bool
	// Late says, on a client, that a batch was answered when its deadline had passed: a TimeoutError that has ended it
	// is the server's word for that.
	Late   bool
	Header Header

	release func()
}

// OnRelease has fn called once by Release.
func (r *Reply) OnRelease(fn func()) { r.release = fn }

// Release gives back the memory of the reply, which must not be used afterwards. Calling it is
// optional; it is for who made the call, not for the middlewares that the reply passes through.
func (r *Reply) Release() {
	if fn := r.release; fn != nil {
		r.release = nil
		fn()
	}
}

// An Endpoint answers calls, and must keep neither call nor reply: on a client by sending them, on a server by carrying them out. An error
// that should reach the caller as a chosen exception is, or wraps, an [*Error].
type Endpoint func(ctx context.Context, call *Call) (*Reply, error)

// A Handshake opens a connection.
type Handshake struct {
	Object string      // the object that the client asks for
	Value  codec.Value // what the client says; a text "hello" unless set
	Header Header
	Peer   *Peer
}

// A Welcome accepts a Handshake.
type Welcome struct {
	Value    codec.Value // the server's answer; a text "hello" unless set
	Metadata *ObjectMetadata
	Header   Header
}

// ObjectMetadata says what an object exposes.
type ObjectMetadata struct {
	Methods []string
	Oneway  []string // those of Methods that send no reply
	Attrs   []string
}

// A HandshakeFunc answers a Handshake. An error denies it; its text is the reason that the client
// sees.
type HandshakeFunc func(ctx context.Context, h *Handshake) (*Welcome, error)

// A Middleware wraps both halves of a conversation. It is the same on a client and on a server; a
// nil function passes through.
//
// Call is called once, when the chain is made, and what it returns is called by many goroutines at the same
// time; Handshake is called on a client for each connection that it makes. An Endpoint may look at a call,
// change it, leave next out and return an error or a Reply of its own, or, on a client, call next again. The
// Args of a call are Go values on a client and still encoded on a server, where they can be decoded without
// being used up. A connection's handshake is judged before its first call; what it puts into the Peer, the
// calls find there. A panic is an error of the call, on a server.
type Middleware struct {
	Name      string
	Handshake func(next HandshakeFunc) HandshakeFunc // once a connection
	Call      func(next Endpoint) Endpoint           // once a call
	Order     Order                                  // where in a chain it belongs
}

// Chain makes one Middleware of several. The first one is the outermost.
func Chain(mw ...Middleware) Middleware {
	return Middleware{
		Name: "chain",
		Handshake: func(next HandshakeFunc) HandshakeFunc {
			for _, m := range slices.Backward(mw) {
				if m.Handshake != nil {
					next = m.Handshake(next)
				}
			}
			return next
		},
		Call: func(next Endpoint) Endpoint {
			for _, m := range slices.Backward(mw) {
				if m.Call != nil {
					next = m.Call(next)
				}
			}
			return next
		},
	}
}
