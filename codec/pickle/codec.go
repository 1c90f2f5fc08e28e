package pickle

import (
	"fmt"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

const name = "pickle"

// Pickle under the three names that Pyro4 gives it. They read and write the same: what cloudpickle and
// dill add are functions and classes, which are only data here.
var (
	Codec       codec.Codec = pickle{name}
	Dill        codec.Codec = pickle{"dill"}
	CloudPickle codec.Codec = pickle{"cloudpickle"}
)

func init() { //nolint:gochecknoinits // a serializer is known by its name and numbers wherever it is linked
	codec.Register(Codec)
	codec.Register(Dill)
	codec.Register(CloudPickle)
}

type pickle struct{ name string }

// Marshal returns the encoding of v. Errors are *codec.EncodeError and *codec.LimitError.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to dst and returns the extended buffer; dst itself if it fails.
func Append(dst []byte, v any) ([]byte, error) { return Codec.Append(dst, v, nil) }

// Unmarshal reads the pickle that data begins with into dst, a non-nil pointer. Errors are
// *codec.SyntaxError where data is no pickle or holds itself, *codec.TypeError where the value does not
// fit dst, *codec.LimitError and *codec.ClassError.
func Unmarshal(data []byte, dst any) error { return Codec.Unmarshal(data, dst, nil) }

func (p pickle) Name() string { return p.name }

func (pickle) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	return appendPickle(dst, o, func(es *bind.Encoders, b []byte) ([]byte, error) { return es.Append(b, v, o) })
}

// appendPickle appends what body writes as a whole pickle. It is not framed: no reader needs that.
func appendPickle(
	dst []byte, o *codec.Options, body func(es *bind.Encoders, b []byte) ([]byte, error),
) ([]byte, error) {
	const lowest, highest, usual = 2, 5, 4
	protocol := usual
	if o != nil && o.PickleProtocol != 0 {
		protocol = o.PickleProtocol
	}
	if protocol < lowest || protocol > highest {
		return dst, &codec.EncodeError{Codec: name, Msg: fmt.Sprintf("PickleProtocol is %d, want 2 to 5", protocol)}
	}
	b, err := body(encoders[protocol-lowest], append(dst, opProto, byte(protocol)))
	if err != nil {
		return dst, err
	}
	return append(b, opStop), nil
}

func (pickle) Unmarshal(data []byte, dst any, o *codec.Options) error {
	r := newReader(data, o)
	defer r.free()
	top, err := r.run()
	if err != nil {
		return err
	}
	r.startAt(top)
	return r.dec.Decode(dst)
}
