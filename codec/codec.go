package codec

import "iter"

// A Dialect is one of the two living versions of the Pyro protocol.
type Dialect uint8

// The dialects. The zero Dialect means that it is not known or does not matter; class names are then
// written as Pyro5 knows them.
const (
	Pyro4 Dialect = 4 // wire 48
	Pyro5 Dialect = 5 // wire 502
)

// String returns "pyro4", "pyro5" or "unknown".
func (d Dialect) String() string {
	switch d {
	case Pyro4:
		return "pyro4"
	case Pyro5:
		return "pyro5"
	default:
		return "unknown"
	}
}

// Options say how values are written and read. The zero value, or a nil pointer, has the defaults.
// Options are read-only once in use.
type Options struct {
	// Dialect chooses the class names of exceptions, URIs and proxies that are written.
	Dialect Dialect
	// Registry has the class converters; nil means [Default].
	Registry *Registry
	// MaxDepth limits the nesting of containers, written and read. 0 means 200, which is what
	// Python's serpent allows.
	MaxDepth int
	// BytesRepr lets serpent write bytes as a literal b'...' (Pyro5's SERPENT_BYTES_REPR) instead of
	// the base64 dict that every peer reads.
	BytesRepr bool
	// KeepBytesDict leaves serpent's base64 dict of bytes a dict when it is read into an any.
	// Destinations of type []byte take it all the same.
	KeepBytesDict bool
	// OrderedDicts reads every dict into a *Dict where the destination is an any.
	OrderedDicts bool
	// DisallowUnknownFields makes a dict key that a destination struct has no field for an error.
	DisallowUnknownFields bool
	// ShareInput lets bytes that are read, into []byte and any, point into the input where its form
	// allows, instead of copying them: the input must not be changed as long as they are in use.
	ShareInput bool
	// Lenient has msgpack write and read keys of any type, which Python writes but does not read,
	// and read text that is not UTF-8.
	Lenient bool
	// PickleProtocol is the version of the pickles that are written, 2 to 5. 0 means 4, which Python
	// reads from 3.4 on; Python 2 reads 2.
	PickleProtocol int
	// PickleCalls lets pickle write an [Object] that Python makes by calling a class or function that
	// is not known to be harmless, and any [Global]. Set it only where every value comes from those
	// who may run code in the Python that reads it.
	PickleCalls bool
}

// DefaultMaxDepth is the nesting that is allowed when Options.MaxDepth is 0.
const DefaultMaxDepth = 200

// Depth returns the nesting that o allows.
func (o *Options) Depth() int {
	if o == nil || o.MaxDepth <= 0 {
		return DefaultMaxDepth
	}
	return o.MaxDepth
}

// Classes returns the registry that o names, or [Default].
func (o *Options) Classes() *Registry {
	if o == nil || o.Registry == nil {
		return Default
	}
	return o.Registry
}

// A Codec is one of Pyro's serializers. Its methods may be called concurrently and keep no
// reference to their arguments; what they return points into the input only with Options.ShareInput.
type Codec interface {
	// Name is the name that Pyro gives the serializer: "serpent", "json", "marshal" and so on.
	Name() string

	// Append appends the encoding of v to dst.
	Append(dst []byte, v any, o *Options) ([]byte, error)

	// Unmarshal reads one whole value into dst, which must be a non-nil pointer or a ListSink.
	Unmarshal(data []byte, dst any, o *Options) error

	// AppendCall appends the payload of an INVOKE message. args becomes the tuple (marshal: list) of
	// positional arguments; with list set a list, as calls to the daemon object have it. kwargs nil
	// is written as an empty dict; NoKwargs as None, as attribute access and batches have it.
	AppendCall(dst []byte, object, method string, args []any, list bool, kwargs Kwargs, o *Options) ([]byte, error)

	// OpenCall reads object and method of an INVOKE payload and leaves the arguments encoded. The
	// returned slices may point into payload.
	OpenCall(payload []byte, o *Options) (Head, error)

	// DecodeArgs reads the arguments that OpenCall or OpenBatch left.
	DecodeArgs(h Head, sink ArgSink, o *Options) error

	// OpenBatch walks the entries (method, arguments, keyword arguments) of a batch, which are its
	// positional arguments; its keyword arguments are None. Head.Object of each is empty.
	OpenBatch(h Head, o *Options) iter.Seq2[Head, error]

	// AppendBatch appends the payload of a BATCH call.
	AppendBatch(dst []byte, object string, entries []BatchEntry, o *Options) ([]byte, error)
}

// A Head is the part of a call that is read before its arguments.
type Head struct {
	Object, Method []byte
	// Rest is the encoded rest; its form is the codec's own business.
	Rest []byte
	// Form tells the codec what Rest holds; the codec's own business.
	Form int
}

// A BatchEntry is one call of a batch.
type BatchEntry struct {
	Method string
	Args   []any
	Kwargs Kwargs
}

// Kwargs are keyword arguments by name. They are written in the order of their names.
type Kwargs map[string]any

// NoKwargs is written as None in the place of keyword arguments.
var NoKwargs = Kwargs{"\x00none": nil}

// IsNone tells NoKwargs from ordinary keyword arguments.
func (k Kwargs) IsNone() bool {
	if len(k) != 1 {
		return false
	}
	_, ok := k["\x00none"]
	return ok
}

// An ArgSink says where the arguments of a call go. The pointers it returns are filled as by
// Unmarshal; an error that it returns ends the decoding and is returned as it is.
type ArgSink interface {
	// Positional returns the pointer for positional argument i. It is asked in order.
	Positional(i int) (any, error)
	// Keyword returns the pointer for the keyword argument name, which is valid during the call.
	Keyword(name []byte) (any, error)
	// None is told that the positional (keywords false) or keyword arguments were None.
	None(keywords bool) error
}
