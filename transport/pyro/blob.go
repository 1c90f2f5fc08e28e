package pyro

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/transport"
)

// A SerializedBlob is the only argument of a call whose content stays serialized until somebody asks for
// it: a dispatcher looks at its info and passes it on without decoding, or knowing, what it holds. A
// method gets one in a parameter of type *SerializedBlob, or any.
//
// A blob that arrived is the caller's for as long as it is wanted: it shares no memory with the
// connection. It must not be changed, and may be passed to several proxies at the same time.
type SerializedBlob struct {
	info any
	data any          // the content, in a blob that was made here
	msg  *blobMessage // in one that arrived
}

// A blobMessage is the message that a blob came in.
type blobMessage struct {
	object, method string
	payload        []byte
	compressed     bool
	codec          codec.Codec
	opts           codec.Options
	maxInflated    int64
}

// NewSerializedBlob returns a blob with data, which takes the place of the arguments: a list, a tuple or
// any other value. info travels beside it, always in marshal, for whoever passes the blob on; with Pyro4
// it has to stay below 64 KiB.
func NewSerializedBlob(info, data any) *SerializedBlob {
	return &SerializedBlob{info: info, data: data}
}

// Info returns what the sender said of the blob.
func (b *SerializedBlob) Info() any { return b.info }

// Object and Method return whom the message was for that the blob arrived in; empty if it was made here.
func (b *SerializedBlob) Object() string {
	if b.msg == nil {
		return ""
	}
	return b.msg.object
}

// Method returns which method the message was for that the blob arrived in.
func (b *SerializedBlob) Method() string {
	if b.msg == nil {
		return ""
	}
	return b.msg.method
}

// Serializer returns the name of the serializer that the content is in; empty if it was made here.
func (b *SerializedBlob) Serializer() string {
	if b.msg == nil {
		return ""
	}
	return b.msg.codec.Name()
}

// Decode stores the content in dst, a non-nil pointer. That of a blob which was made here has to be of
// the very type.
func (b *SerializedBlob) Decode(dst any) error {
	if b.msg == nil {
		return codec.ValueOf(b.data).Decode(dst)
	}
	return b.msg.decode(dst, &b.msg.opts)
}

// decode reads the third part of the message, which is a call.
func (m *blobMessage) decode(dst any, o *codec.Options) error {
	d := reflect.ValueOf(dst)
	if d.Kind() != reflect.Pointer || d.IsNil() {
		return fmt.Errorf("destination must be a non-nil pointer, not %T", dst)
	}
	payload := m.payload
	if m.compressed {
		var err error
		if payload, err = inflate(payload, m.maxInflated, nil); err != nil {
			return err
		}
	}
	if _, err := m.codec.OpenCall(payload, o); err != nil { // is it a call at all?
		return err
	}
	call := reflect.New(callWith(d.Type().Elem(), m.codec.Name() == JSON))
	if err := m.codec.Unmarshal(payload, call.Interface(), o); err != nil {
		return contentError(err)
	}
	d.Elem().Set(call.Elem().FieldByName(contentField))
	return nil
}

// contentField is the field of what callWith returns that holds the content.
const contentField = "Params"

type callShape struct {
	content reflect.Type
	json    bool
}

var callShapes sync.Map // callShape -> reflect.Type

// callWith returns a struct type that a call is read into, with arguments of type t: a tuple of four, in
// json an object.
func callWith(t reflect.Type, json bool) reflect.Type {
	key := callShape{t, json}
	if s, ok := callShapes.Load(key); ok {
		return s.(reflect.Type) //nolint:forcetypeassert // nothing else is stored
	}
	anything := reflect.TypeFor[any]()
	fields := []reflect.StructField{
		{Name: contentField, Type: t, Tag: `pyro:"params"`},
		{Name: "Object", Type: anything, Tag: `pyro:"object"`}, // named, so that they are no unknown fields
		{Name: "Method", Type: anything, Tag: `pyro:"method"`},
		{Name: "Kwargs", Type: anything, Tag: `pyro:"kwargs"`},
	}
	if !json {
		fields = []reflect.StructField{
			{Name: "_", PkgPath: "pyro", Type: reflect.TypeFor[struct{}](), Tag: `pyro:",tuple"`},
			{Name: "Object", Type: anything},
			{Name: "Method", Type: anything},
			{Name: contentField, Type: t},
			{Name: "Kwargs", Type: anything},
		}
	}
	s, _ := callShapes.LoadOrStore(key, reflect.StructOf(fields))
	return s.(reflect.Type) //nolint:forcetypeassert // nothing else is stored
}

// contentError has the path of an error begin at the content.
func contentError(err error) error {
	if t, ok := errors.AsType[*codec.TypeError](err); ok {
		t.Path = "blob" + strings.TrimPrefix(strings.TrimPrefix(t.Path, "[2]"), "params")
	}
	return err
}

// blobOf returns the blob that is to be sent as the only argument of call, or nil.
func blobOf(call *transport.Call) (*SerializedBlob, error) {
	args := &call.Args
	if call.Kind != transport.Invoke || len(args.Positional) == 0 {
		return nil, nil //nolint:nilnil // an ordinary call
	}
	b, ok := args.Positional[0].(*SerializedBlob)
	if !ok || b == nil {
		return nil, nil //nolint:nilnil // an ordinary call
	}
	if len(args.Positional) > 1 || len(args.Keywords) > 0 {
		return nil, errBlobNotAlone
	}
	return b, nil
}

var errBlobNotAlone = transport.Errorf(transport.CodeInvalidArgument,
	"a serialized blob must be the only argument of a call, without keyword arguments")

// annotation returns the value of the annotation BLBI. Python reads it in marshal, whatever the
// serializer.
func (b *SerializedBlob) annotation(object, method string, o *codec.Options) ([]byte, error) {
	value, err := marshal.Codec.Append(nil, codec.Tuple{b.info, object, method}, o)
	if err != nil {
		return nil, fmt.Errorf("info of a serialized blob: %w", err)
	}
	return value, nil
}

// appendTo appends the payload of a call that has b for its argument. What arrived in the same
// serializer and dialect is passed on as it is, whom it was for included: that the receiver reads off
// the annotation. All else is encoded anew.
func (b *SerializedBlob) appendTo(
	dst []byte, object, method string, k codec.Codec, o *codec.Options,
) (out []byte, compressed bool, err error) {
	data := b.data
	if m := b.msg; m != nil {
		if m.codec.Name() == k.Name() && m.opts.Dialect == o.Dialect {
			return append(dst, m.payload...), m.compressed, nil
		}
		asIs := m.opts
		asIs.OrderedDicts = true
		if err := m.decode(&data, &asIs); err != nil {
			return dst, false, fmt.Errorf("content of a serialized blob: %w", err)
		}
	}
	var call any = codec.Tuple{object, method, data, codec.NewDict()}
	if k.Name() == JSON {
		call = codec.NewDict("object", object, "method", method, "params", data, "kwargs", codec.NewDict())
	}
	out, err = k.Append(dst, call, o)
	return out, false, err
}

// receiveBlob makes the argument of a call of the message f, of which it decodes nothing but the
// annotation: that alone knows whom the call is for, because a dispatcher passes the payload on as it
// came.
func (w *worker) receiveBlob(f *frame, call *transport.Call, annotation []byte, ser *serializer) error {
	if annotation == nil {
		return transport.NewError("KeyError", keyBlob)
	}
	var parts []any
	if err := marshal.Codec.Unmarshal(annotation, &parts, &w.opts); err != nil {
		return transport.NewError("ValueError", err.Error())
	}
	if len(parts) != 3 {
		return transport.NewError("ValueError", fmt.Sprintf("annotation %s holds %d values, want 3", keyBlob, len(parts)))
	}
	object, okObject := parts[1].(string)
	method, okMethod := parts[2].(string)
	if !okObject || !okMethod {
		return transport.NewError("TypeError", "object and method in annotation "+keyBlob+" must be str")
	}
	if f.flags&flagBatch != 0 {
		return transport.NewError("TypeError", "a serialized blob is no batch")
	}
	call.Object, call.Method = object, method
	call.Args = transport.Args{Positional: []any{&SerializedBlob{info: parts[0], msg: &blobMessage{
		object:      object,
		method:      method,
		payload:     w.keep(f.payload),
		compressed:  f.flags&flagCompressed != 0,
		codec:       ser.codec,
		opts:        w.opts,
		maxInflated: w.o.maxInflated,
	}}}}
	return nil
}

func init() { //nolint:gochecknoinits // where a blob must not stand, an error says so; see uriclass.go
	codec.Default.RegisterEncoder(reflect.TypeFor[*SerializedBlob](), func(any, codec.Dialect) (any, error) {
		return nil, errBlobNotAlone
	})
}
