package pyroenv

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A Field is a field of a message that an item sets.
type Field struct {
	Item  string
	Path  string // such as limits.max_depth
	Value any    // bool, int64, string, []string or time.Duration
}

// Set sets the field in m.
func (f Field) Set(m proto.Message) {
	r := m.ProtoReflect()
	names := strings.Split(f.Path, ".")
	last := len(names) - 1
	for _, name := range names[:last] {
		r = r.Mutable(r.Descriptor().Fields().ByName(protoreflect.Name(name))).Message()
	}
	fd := r.Descriptor().Fields().ByName(protoreflect.Name(names[last]))
	r.Set(fd, valueOf(r, fd, f.Value))
}

func valueOf(r protoreflect.Message, fd protoreflect.FieldDescriptor, value any) protoreflect.Value {
	switch v := value.(type) {
	case []string:
		list := r.NewField(fd)
		for _, s := range v {
			list.List().Append(protoreflect.ValueOfString(s))
		}
		return list
	case time.Duration:
		return protoreflect.ValueOfMessage(durationpb.New(v).ProtoReflect())
	case int64:
		switch fd.Kind() {
		case protoreflect.Int32Kind:
			return protoreflect.ValueOfInt32(int32(v)) //nolint:gosec // see Check
		case protoreflect.EnumKind:
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(v)) //nolint:gosec // see Check
		}
	}
	return protoreflect.ValueOf(value)
}

// A meaning says which field an item sets. as makes its value of the item's, nil where that sets nothing; without as, it
// is the same.
type meaning struct {
	item, path string
	as         func(any) any
}

// The fields of the messages Server and Proxy. What is made of several items has functions below.
var (
	ofBoth = []meaning{
		{"COMPRESSION", "compression", nil},
		{"MAX_MESSAGE_SIZE", "limits.max_message_size", orUnlimited},
		{"PICKLE_PROTOCOL_VERSION", "values.pickle_protocol", pickleProtocol},
		{"PREFER_IP_VERSION", "prefer_ip", nil},
		{"SERPENT_BYTES_REPR", "values.bytes_repr", nil},
	}
	ofServers = []meaning{
		{"COMMTIMEOUT", "limits.idle_timeout", unlessZero},
		{"DETAILED_TRACEBACK", "detailed_traceback", nil},
		{"ITER_STREAMING", "streams.disabled", not},
		{"ITER_STREAM_LIFETIME", "streams.lifetime", nil},
		{"ITER_STREAM_LINGER", "streams.linger", orAtOnce},
		{"ONEWAY_THREADED", "oneway_in_order", not},
		{"SERIALIZERS_ACCEPTED", "serializers", nil},
		{"THREADPOOL_SIZE", "limits.max_connections", nil},
	}
	ofProxies = []meaning{
		{"COMMTIMEOUT", "timeout", unlessZero},
		{"COMMTIMEOUT", "connect_timeout", unlessZero},
		{"MAX_RETRIES", "max_retries", nil},
		{"METADATA", "no_metadata", not},
		{"NS_LOOKUP_DELAY", "lookup_delay", nil},
		{"SERIALIZER", "serializer", nil},
	}
)

const (
	// unlimited is what Pyro4's MAX_MESSAGE_SIZE of 0 means: more than a header can say.
	unlimited = 1 << 40
	// highestPickle is the newest version of pickle that there is.
	highestPickle = 5
)

func orUnlimited(v any) any {
	if v == int64(0) {
		return int64(unlimited)
	}
	return v
}

// pickleProtocol knows that a negative version means the highest, as in Python. Nobody reads those before 2 only.
func pickleProtocol(v any) any {
	n, _ := v.(int64)
	if n < 0 {
		return int64(highestPickle)
	}
	return max(2, min(n, highestPickle))
}

func unlessZero(v any) any {
	if v == time.Duration(0) {
		return nil
	}
	return v
}

// orAtOnce is for times that are at once if they are not positive.
func orAtOnce(v any) any {
	d, _ := v.(time.Duration)
	return max(0, d)
}

func not(v any) any { return v != true }

// Server returns the fields of a Server that the items set.
func (v *Values) Server() []Field { return v.fields(slices.Concat(ofBoth, ofServers)) }

// Proxy returns the fields of a Proxy that the items set.
func (v *Values) Proxy() []Field { return v.fields(slices.Concat(ofBoth, ofProxies)) }

func (v *Values) fields(all []meaning) []Field {
	var set []Field
	for _, m := range all {
		value, ok := v.get(m.item)
		if ok && m.as != nil {
			value = m.as(value)
		}
		if ok && value != nil {
			set = append(set, Field{m.item, m.path, value})
		}
	}
	return set
}

// Advertise returns what URIs of TCP listeners carry, HOST or HOST:PORT; "" if the items do not say.
func (v *Values) Advertise() (string, error) {
	host := v.Text("NATHOST")
	port, _ := v.Int("NATPORT")
	switch {
	case port == 0:
		return host, nil
	case host == "":
		return "", errors.New("needs PYRO_NATHOST")
	}
	return HostPort(host, port), nil
}

// BroadcastAddresses returns where a name server is asked for. Pyro's word for this machine alone is left out.
func (v *Values) BroadcastAddresses() []string {
	return slices.DeleteFunc(slices.Clone(v.List("BROADCAST_ADDRS")), func(a string) bool { return a == "''" })
}

// HostPort joins a host, which may have brackets already, and a port.
func HostPort(host string, port int64) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.FormatInt(port, 10))
}
