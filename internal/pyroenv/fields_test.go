package pyroenv_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// everyField is an environment that sets every field.
var everyField = map[string]string{
	"PYRO_COMPRESSION": "1", "PYRO_MAX_MESSAGE_SIZE": "0", "PYRO_PICKLE_PROTOCOL_VERSION": "-1", "PYRO_PREFER_IP_VERSION": "6",
	"PYRO_SERPENT_BYTES_REPR": "1", "PYRO_COMMTIMEOUT": "1.5", "PYRO_DETAILED_TRACEBACK": "1", "PYRO_ITER_STREAMING": "0",
	"PYRO_ITER_STREAM_LIFETIME": "3", "PYRO_ITER_STREAM_LINGER": "-1", "PYRO_ONEWAY_THREADED": "0",
	"PYRO_SERIALIZERS_ACCEPTED": "json,marshal", "PYRO_THREADPOOL_SIZE": "9", "PYRO_MAX_RETRIES": "2", "PYRO_METADATA": "off",
	"PYRO_NS_LOOKUP_DELAY": "4", "PYRO_SERIALIZER": "json",
}

const shared = `compression: true prefer_ip: IP_VERSION_6 values { bytes_repr: true pickle_protocol: 5 }`

func TestFieldsOfMessages(t *testing.T) {
	v, err := pyroenv.Read(of(everyField))
	require.NoError(t, err)
	require.NoError(t, v.Check())
	for want, got := range map[string]struct {
		fields []pyroenv.Field
		into   proto.Message
	}{
		shared + ` limits { max_message_size: 1099511627776 idle_timeout { seconds: 1 nanos: 500000000 } max_connections: 9 }
			detailed_traceback: true streams { disabled: true lifetime { seconds: 3 } linger {} } oneway_in_order: true
			serializers: "json" serializers: "marshal"`: {v.Server(), &configv1.Server{}},
		shared + ` limits { max_message_size: 1099511627776 } timeout { seconds: 1 nanos: 500000000 }
			connect_timeout { seconds: 1 nanos: 500000000 } max_retries: 2 no_metadata: true lookup_delay { seconds: 4 }
			serializer: "json"`: {v.Proxy(), &configv1.Proxy{}},
	} {
		for _, f := range got.fields {
			f.Set(got.into)
		}
		expected := got.into.ProtoReflect().New().Interface()
		require.NoError(t, prototext.Unmarshal([]byte(want), expected))
		require.True(t, proto.Equal(expected, got.into), "%s\n%s", want, got.into)
	}
}

func TestWhatSetsNothing(t *testing.T) {
	for _, v := range []*pyroenv.Values{nil, read(t, nil), read(t, map[string]string{"PYRO_COMMTIMEOUT": "0", "PYRO_SERIALIZER": ""})} {
		require.Empty(t, v.Server())
		require.Empty(t, v.Proxy())
		require.NoError(t, v.Check())
	}
}

func read(t *testing.T, variables map[string]string) *pyroenv.Values {
	t.Helper()
	v, err := pyroenv.Read(of(variables))
	require.NoError(t, err)
	return v
}

func TestValuesThatCannotBeMeant(t *testing.T) {
	v := read(t, map[string]string{
		"PYRO_COMMTIMEOUT": "-0.5", "PYRO_MAX_RETRIES": "-1", "PYRO_PREFER_IP_VERSION": "5", "PYRO_NATPORT": "70000", "PYRO_NS_PORT": "9090",
	})
	require.EqualError(t, v.Check(), "PYRO_COMMTIMEOUT=-0.5: must not be negative\n"+
		"PYRO_MAX_RETRIES=-1: want a number from 0 to 2147483647\n"+
		"PYRO_NATPORT=70000: want a number from 0 to 65535\n"+
		"PYRO_PREFER_IP_VERSION=5: want 4, 6 or 0")
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct{ host, port, want string }{
		{"", "", ""},
		{"", "0", ""},
		{"nat", "", "nat"},
		{"nat", "0", "nat"},
		{"[::1]", "7", "[::1]:7"},
	} {
		env := map[string]string{"PYRO_NATHOST": tt.host}
		if tt.port != "" {
			env["PYRO_NATPORT"] = tt.port
		}
		got, err := read(t, env).Advertise()
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
	_, err := read(t, map[string]string{"PYRO_NATPORT": "7"}).Advertise()
	require.ErrorContains(t, err, "needs PYRO_NATHOST")
	require.Equal(t, []string{"10.0.0.255"}, read(t, map[string]string{"PYRO_BROADCAST_ADDRS": "'', 10.0.0.255"}).BroadcastAddresses())
}

func TestLogLevels(t *testing.T) {
	level, set, err := read(t, map[string]string{"PYRO_LOGLEVEL": "Warning"}).LogLevel()
	require.NoError(t, err)
	require.True(t, set)
	require.Equal(t, slog.LevelWarn, level)
	_, set, err = read(t, nil).LogLevel()
	require.NoError(t, err)
	require.False(t, set)
	_, _, err = read(t, map[string]string{"PYRO_LOGLEVEL": "LOUD"}).LogLevel()
	require.ErrorContains(t, err, "want DEBUG")
}

func TestTLSOfBothEnds(t *testing.T) {
	v := read(t, map[string]string{
		"PYRO_SSL": "on", "PYRO_SSL_SERVERCERT": "s", "PYRO_SSL_SERVERKEY": "k", "PYRO_SSL_CACERTS": "ca", "PYRO_SSL_REQUIRECLIENTCERT": "1",
		"PYRO_SSL_CLIENTKEYPASSWD": "hush",
	})
	server, on := v.TLS(pyroenv.ServerEnd)
	require.True(t, on)
	require.Equal(t, []any{"s", "k", []string{"ca"}, true, false}, []any{server.Cert, server.Key, server.CAs, server.RequireClientCert, server.SystemRoots})
	require.Nil(t, server.Password)
	client, _ := v.TLS(pyroenv.ClientEnd)
	require.Equal(t, []any{"", "", []string{"ca"}, false, true}, []any{client.Cert, client.Key, client.CAs, client.RequireClientCert, client.SystemRoots})
	password, err := client.Password()
	require.NoError(t, err)
	require.Equal(t, "hush", password)
	_, on = read(t, map[string]string{"PYRO_SSL_SERVERCERT": "s"}).TLS(pyroenv.ServerEnd)
	require.False(t, on)
}
