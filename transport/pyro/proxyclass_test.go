package pyro_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// classForm is what Python makes of one of Pyro's own objects in one serializer.
type classForm struct {
	Name  string           `json:"name"`
	Text  string           `json:"text"`
	Hex   vectortest.Bytes `json:"hex"`
	Pyro5 *struct {
		Text string           `json:"text"`
		Hex  vectortest.Bytes `json:"hex"`
	} `json:"pyro5"`
}

// bytes returns the form in a dialect, or nil if it has none.
func (f *classForm) bytes(d codec.Dialect) []byte {
	text, data := f.Text, f.Hex
	if d == codec.Pyro5 && f.Pyro5 != nil {
		text, data = f.Pyro5.Text, f.Pyro5.Hex
	}
	if text != "" {
		return []byte(text)
	}
	return data
}

// classForms returns those of the objects named in each serializer.
func classForms(t *testing.T, serializer string, names ...string) map[string]*classForm {
	t.Helper()
	data, err := os.ReadFile("../../codec/testdata/vectors/codec-" + serializer + ".json")
	require.NoError(t, err)
	var file struct {
		Vectors []*classForm `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(data, &file))
	found := map[string]*classForm{}
	for _, f := range file.Vectors {
		for _, name := range names {
			if f.Name == name {
				found[name] = f
			}
		}
	}
	require.Len(t, found, len(names))
	return found
}

var bothDialects = []codec.Dialect{codec.Pyro4, codec.Pyro5}

// What is read in one dialect is written as the class, and in the form, of the other.
func TestProxiesInEachDialect(t *testing.T) {
	for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
		k, err := codec.Named(serializer)
		require.NoError(t, err)
		for name, form := range classForms(t, serializer, "proxy", "proxy with state") {
			for _, from := range bothDialects {
				var v any
				require.NoError(t, k.Unmarshal(form.bytes(from), &v, &codec.Options{Dialect: from}))
				for _, to := range bothDialects {
					t.Run(fmt.Sprintf("%s/%s/%s to %s", serializer, name, from, to), func(t *testing.T) {
						out, err := k.Append(nil, v, &codec.Options{Dialect: to})
						require.NoError(t, err)
						want := form.bytes(to)
						if from == codec.Pyro5 && to == codec.Pyro4 {
							want = withoutKey(t, k, want)
						}
						require.Equal(t, describeRaw(t, k, want), describeRaw(t, k, out))
						if serializer != "marshal" { // whose bytes are one of several
							require.Equal(t, string(want), string(out))
						}
					})
				}
			}
		}
	}
}

// withoutKey returns a proxy of Pyro4 with no more than Pyro5 knows of it.
func withoutKey(t *testing.T, k codec.Codec, data []byte) []byte {
	t.Helper()
	var v any
	require.NoError(t, k.Unmarshal(data, &v, nil))
	p, ok := v.(*service.Proxy)
	require.True(t, ok)
	state := p.State()
	state.HMACKey, state.MaxRetries, state.Timeout = nil, 0, 0
	out, err := k.Append(nil, state, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	return out
}

// describeRaw describes the class dict that data is, without converting it.
func describeRaw(t *testing.T, k codec.Codec, data []byte) string {
	t.Helper()
	var d codec.Dict
	require.NoError(t, k.Unmarshal(data, &d, nil))
	return valuetest.Describe(&d)
}

func TestDaemonsInEachDialect(t *testing.T) {
	forms := map[codec.Dialect]string{
		codec.Pyro4: "# serpent utf-8 python3.2\n{'__class__':'Pyro4.core.Daemon','state':()}",
		codec.Pyro5: "# serpent utf-8 python3.2\n{'__class__':'Pyro5.server.Daemon','state':()}",
	}
	for d, form := range forms {
		var v any
		require.NoError(t, serpent.Unmarshal([]byte(form), &v))
		require.Equal(t, pyro.Daemon{}, v)
		for _, daemon := range []any{v, service.NewServer()} {
			out, err := serpent.Codec.Append(nil, daemon, &codec.Options{Dialect: d})
			require.NoError(t, err)
			require.Equal(t, form, string(out))
		}
	}
}

func TestProxyStatesThatAreRead(t *testing.T) {
	uri := pyro.URI{Protocol: "PYRO", Object: "obj", Host: "host", Port: 5555}
	const text = "PYRO:obj@host:5555"
	none := codec.Tuple{}
	tests := []struct {
		name, class string
		state       any
		want        pyro.ProxyState
		wantErr     string
	}{
		{
			name: "Pyro4", class: "Pyro4.core.Proxy", state: codec.Tuple{text, codec.Tuple{"o"}, codec.Tuple{"m", "o"}, codec.Tuple{"a"}, 1.5, "b64:a2V5", "hi", int64(3), "json"},
			want: pyro.ProxyState{URI: uri, Oneway: []string{"o"}, Methods: []string{"m", "o"}, Attrs: []string{"a"}, Timeout: 1500 * time.Millisecond, HMACKey: pyro.Secret("key"), Handshake: "hi", MaxRetries: 3, Serializer: "json"},
		},
		{name: "an old one", class: "Pyro4.core.Proxy", state: codec.Tuple{text, none, none, none, nil, nil, "hello", int64(0)}, want: pyro.ProxyState{URI: uri, Handshake: "hello"}},
		{name: "Pyro5", class: "Pyro5.client.Proxy", state: []any{text, []any{}, []any{"m"}, []any{}, "hello", "marshal"}, want: pyro.ProxyState{URI: uri, Methods: []string{"m"}, Handshake: "hello", Serializer: "marshal"}},
		{
			name: "as a pickle has it", class: "Pyro4.core.Proxy", state: codec.Tuple{uri, codec.NewSet("o"), codec.NewSet("m"), codec.NewSet(), 0.0, []byte("key"), "hello", int64(0), nil},
			want: pyro.ProxyState{URI: uri, Oneway: []string{"o"}, Methods: []string{"m"}, HMACKey: pyro.Secret("key"), Handshake: "hello"},
		},
		{
			name: "with a URI as a class dict", class: "Pyro4.core.Proxy", want: pyro.ProxyState{URI: uri, Handshake: "hello"},
			state: codec.Tuple{codec.NewDict("__class__", "Pyro4.core.URI", "state", codec.Tuple{"PYRO", "obj", nil, "host", int64(5555)}), none, none, none, 0.0, nil, "hello", int64(0), nil},
		},
		{
			name: "Pyrolite for Pyro5", class: "Pyro5.client.Proxy", state: codec.Tuple{text, none, codec.Tuple{"m"}, none, 1.5, "hi", int64(3)},
			want: pyro.ProxyState{URI: uri, Methods: []string{"m"}, Timeout: 1500 * time.Millisecond, Handshake: "hi", MaxRetries: 3},
		},
		{name: "no state", class: "Pyro5.client.Proxy", wantErr: "has 0 elements"},
		{name: "the other dialect's", class: "Pyro4.core.Proxy", state: codec.Tuple{text, none, none, none, "hello", nil}, wantErr: "has 6 elements"},
		{name: "no URI", class: "Pyro5.client.Proxy", state: codec.Tuple{"somewhere", none, none, none, "hello", nil}, wantErr: "invalid"},
		{name: "a number for a URI", class: "Pyro5.client.Proxy", state: codec.Tuple{int64(5), none, none, none, "hello", nil}, wantErr: "state[0] must be a URI"},
		{name: "numbers for names", class: "Pyro5.client.Proxy", state: codec.Tuple{text, none, codec.Tuple{int64(5)}, none, "hello", nil}, wantErr: "state[2] must be names"},
		{name: "a number for a serializer", class: "Pyro5.client.Proxy", state: codec.Tuple{text, none, none, none, "hello", int64(1)}, wantErr: "state[5] must be text"},
		{name: "a key in the clear", class: "Pyro4.core.Proxy", state: codec.Tuple{text, none, none, none, 0.0, "secret", "hello", int64(0), nil}, wantErr: "state[5] is no HMAC key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			attrs := codec.NewDict()
			if tt.state != nil {
				attrs.Set("state", tt.state)
			}
			got, err := pyro.ReadProxyState(tt.class, attrs)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				require.NotContains(t, err.Error(), "secret")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// A serializer that the other dialect does not know would break the proxy there.
func TestSerializersOfOneDialectStayThere(t *testing.T) {
	state := pyro.ProxyState{URI: pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1}, Serializer: "pickle"}
	out, err := serpent.Codec.Append(nil, state, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	require.Contains(t, string(out), "'pickle'")
	out, err = serpent.Codec.Append(nil, state, &codec.Options{Dialect: codec.Pyro5})
	require.NoError(t, err)
	require.NotContains(t, string(out), "pickle")
}

func TestAProxyForNowhereIsNotWritten(t *testing.T) {
	_, err := serpent.Marshal([]any{pyro.ProxyState{}})
	var failed *codec.EncodeError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "[0]", failed.Path)
}

func TestNobodyPrintsSecrets(t *testing.T) {
	state := pyro.ProxyState{
		URI: pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1}, HMACKey: pyro.Secret("sesame"), Handshake: "sesame",
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("it", "state", state, "key", state.HMACKey)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&logged, verb+verb+verb, state, &state, state.HMACKey)
	}
	require.NoError(t, json.NewEncoder(&logged).Encode(state.HMACKey))
	require.NotContains(t, logged.String(), "sesame")
	require.NotContains(t, logged.String(), fmt.Sprintf("%x", "sesame"))
	require.NotContains(t, logged.String(), "c2VzYW1l", "base64")
	require.Contains(t, logged.String(), "PYRO:o@h:1")
}

// Errors and URIs, too, change their class with the dialect.
func TestErrorsAndURIsChangeTheirClass(t *testing.T) {
	for _, from := range bothDialects {
		for _, to := range bothDialects {
			sent, err := serpent.Codec.Append(nil, []any{
				transport.NewError("NamingError", "unknown"), pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1},
			}, &codec.Options{Dialect: from})
			require.NoError(t, err)
			var v any
			require.NoError(t, serpent.Unmarshal(sent, &v))
			out, err := serpent.Codec.Append(nil, v, &codec.Options{Dialect: to})
			require.NoError(t, err)
			require.Contains(t, string(out), fmt.Sprintf("Pyro%d.errors.NamingError", to))
			require.Contains(t, string(out), fmt.Sprintf("Pyro%d.core.URI", to))
		}
	}
}
