package pyro

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// What Pyro4 4.82 and Pyro5 5.16 make of these texts.
func TestParseURI(t *testing.T) {
	const pyro, name, meta = ProtocolPyro, ProtocolPyroName, ProtocolPyroMeta
	tests := []struct {
		in      string
		want    URI
		printed string // empty: as in
		wantErr string // Pyro's reason
	}{
		{in: "PYRO:obj@host:9090", want: URI{Protocol: pyro, Object: "obj", Host: "host", Port: 9090}},
		{in: "PyRo:obj@h:1", want: URI{Protocol: pyro, Object: "obj", Host: "h", Port: 1}, printed: "PYRO:obj@h:1"},
		{in: "pyro:obj@[::1]:5", want: URI{Protocol: pyro, Object: "obj", Host: "::1", Port: 5}, printed: "PYRO:obj@[::1]:5"},
		{in: "PYRO:o@[fe80::1%1]:5", want: URI{Protocol: pyro, Object: "o", Host: "fe80::1%1", Port: 5}},
		{in: "PYRO:x@./u:/tmp/a b", want: URI{Protocol: pyro, Object: "x", Socket: "/tmp/a b"}},
		{in: "PYRO:a@b@h:5", want: URI{Protocol: pyro, Object: "a", Host: "b@h", Port: 5}},
		{in: "PYRO:o@h%x:5", want: URI{Protocol: pyro, Object: "o", Host: "h%x", Port: 5}},
		{in: "PYRO:é@h:5", want: URI{Protocol: pyro, Object: "é", Host: "h", Port: 5}},
		{in: "PYRO:o@h:-5", want: URI{Protocol: pyro, Object: "o", Host: "h", Port: -5}},
		{in: "PYRO:o@h:99999", want: URI{Protocol: pyro, Object: "o", Host: "h", Port: 99999}},
		{in: "PYRO:o@h: 5 ", want: URI{Protocol: pyro, Object: "o", Host: "h", Port: 5}, printed: "PYRO:o@h:5"},
		{in: "PYRO:o@h:5\n", want: URI{Protocol: pyro, Object: "o", Host: "h", Port: 5}, printed: "PYRO:o@h:5"},
		{in: "PYRONAME:a.b", want: URI{Protocol: name, Object: "a.b"}},
		{in: "PYRONAME:a@host", want: URI{Protocol: name, Object: "a", Host: "host", Port: 9090}, printed: "PYRONAME:a@host:9090"},
		{in: "PYRONAME:a@host:", want: URI{Protocol: name, Object: "a", Host: "host", Port: 9090}, printed: "PYRONAME:a@host:9090"},
		{in: "PYRONAME:a@[::1]", want: URI{Protocol: name, Object: "a", Host: "::1", Port: 9090}, printed: "PYRONAME:a@[::1]:9090"},
		{in: "PYRONAME:x@./u:/tmp/s", want: URI{Protocol: name, Object: "x", Socket: "/tmp/s"}},
		{in: "PYROMETA:b,a,a@host:1", want: URI{Protocol: meta, Tags: []string{"a", "b"}, Host: "host", Port: 1}, printed: "PYROMETA:a,b@host:1"},
		{in: "PYROMETA:b,,a,", want: URI{Protocol: meta, Tags: []string{"", "a", "b"}}, printed: "PYROMETA:,a,b"},
		{in: "PYROMETA:b,a", want: URI{Protocol: meta, Tags: []string{"a", "b"}}, printed: "PYROMETA:a,b"},

		{in: "", wantErr: "invalid uri"},
		{in: "nonsense", wantErr: "invalid uri"},
		{in: "PYRO:", wantErr: "invalid uri"},
		{in: "xPYRO:o@h:5", wantErr: "invalid uri"},
		{in: "PYRO:o", wantErr: "invalid uri"},
		{in: "PYRO:o@", wantErr: "invalid uri"},
		{in: "PYRO:@h:5", wantErr: "invalid uri"},
		{in: "PYRO: o@h:5", wantErr: "invalid uri"},
		{in: "PYRO:o p@h:5", wantErr: "invalid uri"},
		{in: "PYRO:o\u00a0p@h:5", wantErr: "invalid uri"},
		{in: "PYRO:o@h:5\n\n", wantErr: "invalid uri"},
		{in: "PYROLOC:o@h:5", wantErr: "invalid uri (protocol)"},
		{in: "PYRO:o@./u:", wantErr: "invalid uri (location)"},
		{in: "PYRO:o@./u:a:b", wantErr: "invalid uri (location)"},
		{in: "PYRO:o@h", wantErr: "invalid port in uri, port=None"},
		{in: "PYRO:o@h:", wantErr: "invalid port in uri, port=None"},
		{in: "PYRO:o@[::1]", wantErr: "invalid port in uri, port=None"},
		{in: "PYRO:o@[::1]x:5", wantErr: "invalid port in uri, port=None"},
		{in: "PYRO:o@h:5x", wantErr: "invalid port in uri, port=5x"},
		{in: "PYRO:o@h:5:6", wantErr: "invalid port in uri, port=5:6"},
		{in: "PYRO:o@[[::1]]:5", wantErr: "invalid ipv6 address: enclosed in too many brackets"},
		{in: "PYRO:o@[host]:5", wantErr: "invalid ipv6 address: the part between brackets must be a numeric ipv6 address"},
		{in: "PYRO:o@[::1:5", wantErr: "invalid ipv6 address: the part between brackets must be a numeric ipv6 address"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseURI(tt.in)
			if tt.wantErr != "" {
				var bad *URIError
				require.ErrorAs(t, err, &bad)
				require.ErrorIs(t, err, ErrURI)
				require.Equal(t, tt.wantErr, bad.Reason)
				require.Equal(t, tt.in, bad.URI)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			if tt.printed == "" {
				tt.printed = tt.in
			}
			require.Equal(t, tt.printed, got.String())
		})
	}
}

// Pyro accepts these, but nobody can do anything with them; and the other way round.
func TestURIsWhereThisIsNotPyro(t *testing.T) {
	for _, in := range []string{"PYROMETA:,@h", "PYROMETA:,", "PYRO:o@:5", "PYRONAME:o@", "PYRO:o@h:1_0"} {
		_, err := ParseURI(in)
		require.ErrorIs(t, err, ErrURI, in)
	}
	for _, in := range []string{"PYRO:o@[fe80::1%eth0]:5", "PYRO:o@[::ffff:1.2.3.4]:5"} {
		u, err := ParseURI(in)
		require.NoError(t, err)
		require.Equal(t, in, u.String())
	}
}

func TestAddressesOfURIs(t *testing.T) {
	tests := []struct{ uri, network, address string }{
		{"PYRO:o@h:5", "tcp", "h:5"},
		{"PYRO:o@[::1]:5", "tcp", "[::1]:5"},
		{"PYRO:o@./u:/tmp/s", "unix", "/tmp/s"},
		{"PYRO:o@./u:\x00s", "unix", "\x00s"},
		{`PYRO:o@./u:\x00s`, "unix", "\x00s"},
		{`PYRO:o@./u:./\x00s`, "unix", `./\x00s`},
		{`PYRO:o@./u:/tmp/\x00s`, "unix", `/tmp/\x00s`},
		{"PYRO:o@./u:@s", "unix", "./@s"},
	}
	for _, tt := range tests {
		u, err := ParseURI(tt.uri)
		require.NoError(t, err)
		network, address := u.Address()
		require.Equal(t, tt.network, network)
		require.Equal(t, tt.address, address)
	}
}

func TestLocated(t *testing.T) {
	tests := []struct {
		addr    net.Addr
		want    string
		wantErr bool
	}{
		{addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5}, want: "PYRO:o@127.0.0.1:5"},
		{addr: &net.TCPAddr{IP: net.IPv6loopback, Port: 5}, want: "PYRO:o@[::1]:5"},
		{addr: &net.UnixAddr{Name: "/tmp/s", Net: "unix"}, want: "PYRO:o@./u:/tmp/s"},
		{addr: &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}, wantErr: true},
	}
	for _, tt := range tests {
		u, err := Located("o", tt.addr)
		if tt.wantErr {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tt.want, u.String())
	}
}

func TestURIsTravelAsInstances(t *testing.T) {
	for _, c := range []codec.Codec{serpent.Codec, json.Codec, marshal.Codec} {
		for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			for _, s := range []string{"PYRO:o@h:5", "PYRO:o@./u:/tmp/s", "PYRONAME:n", "PYRONAME:n@[::1]:7", "PYROMETA:a,b@h:9"} {
				want, err := ParseURI(s)
				require.NoError(t, err)
				data, err := c.Append(nil, want, &codec.Options{Dialect: d})
				require.NoError(t, err)
				require.Contains(t, string(data), map[codec.Dialect]string{codec.Pyro4: "Pyro4.core.URI", codec.Pyro5: "Pyro5.core.URI"}[d])
				var loose any
				require.NoError(t, c.Unmarshal(data, &loose, nil))
				require.Equal(t, want, loose, "%s %s", c.Name(), s)
				var typed URI
				require.NoError(t, c.Unmarshal(data, &typed, nil))
				require.Equal(t, want, typed)
			}
		}
	}
}

func TestStatesThatAreNoURI(t *testing.T) {
	for _, state := range []string{"()", "5", "('PYRO','o',None,'h')", "('PYRO','o',None,None,None)", "('HTTP','o',None,'h',5)", "('PYRO',5,None,'h',5)"} {
		var v any
		err := serpent.Codec.Unmarshal([]byte("{'__class__':'Pyro5.core.URI','state':"+state+"}"), &v, nil)
		var class *codec.ClassError
		require.ErrorAs(t, err, &class, state)
	}
}
