package pyro

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/fastdict"
	"github.com/pyrokit/pyrokit/internal/vectortest"
)

// FuzzFrame: no bytes panic, and what is accepted is written again as the same frame.
func FuzzFrame(f *testing.F) {
	for _, name := range vectortest.Dialects {
		for _, e := range vectortest.Exchanges(f, vectors, name) {
			for _, m := range e.Messages {
				if len(m.Hex) < 2000 {
					f.Add([]byte(m.Hex))
				}
			}
		}
		for _, p := range vectortest.Probes(f, vectors, name) {
			for _, s := range p.Steps {
				f.Add([]byte(s.Send))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := &wireOptions{maxSize: 1 << 20}
		fr := readerOf(o, bytes.Clone(data))
		at := 0
		for {
			read, err := fr.next()
			if err != nil {
				var bad *frameError
				require.True(t, errors.As(err, &bad) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), err)
				return
			}
			size := headerSize5
			if read.dialect == codec.Pyro4 {
				size = headerSize4
			}
			whole := data[at : at+size+len(read.annotations)+len(read.payload)]
			at += len(whole)
			requireRewritten(t, &read, whole)
		}
	})
}

// requireRewritten compares what a reader makes of the frame and what it makes of the frame written
// anew. The bytes may differ only in what readers pass over: reserved fields, unknown flags and types,
// values cut short.
func requireRewritten(t *testing.T, f *frame, whole []byte) {
	t.Helper()
	own, reserved, err := f.parseAnnotations()
	if err != nil || f.typ == 0xff && f.dialect == codec.Pyro4 || reserved.hmac != nil {
		return // a type too large for a frameWriter; a signature without its key
	}
	out, err := rewrite(f, nil)
	require.NoError(t, err)
	again, err := readerOf(&wireOptions{}, out).next()
	require.NoError(t, err)
	require.Equal(t, f.typ, again.typ)
	require.Equal(t, f.flags, again.flags)
	require.Equal(t, f.seq, again.seq)
	require.Equal(t, f.serializer, again.serializer)
	require.Equal(t, f.correlation, again.correlation)
	require.Equal(t, string(f.payload), string(again.payload))
	own2, _, err := again.parseAnnotations()
	require.NoError(t, err)
	require.Equal(t, own, own2)
	if f.dialect == codec.Pyro5 && wireFlags(f.flags, f.dialect) == f.rawFlags && whole[36] == 0 && whole[37] == 0 {
		require.Equal(t, whole, out)
	}
}

// FuzzURI: what is accepted prints as a URI that is accepted as the same one, and what is plain is the same one, too.
func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"PYRO:obj@host:9090", "pyro:obj@[::1]:5", "PYRONAME:a.b", "PYRONAME:a@host", "PYROMETA:b,a@host:1", "PYRO:x@./u:/tmp/s",
		"PYRO:a@b@h:5", "PYRO:o@h:-5", "PYRO:o@h: 5", "PYRO:o@[fe80::1%eth0]:5", "PYRO:", "", "PYRO:o@[[::1]]:5", "PYROMETA:,@h", "PYRO:o@h:5\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if plain, ok := fastdict.Plain(s); ok {
			require.NoError(t, err, "plain, but no URI: %q", s)
			require.Equal(t, fastdict.URI{Protocol: u.Protocol, Object: u.Object, Host: u.Host, Port: u.Port}, plain.URI(), "%q", s)
			require.Empty(t, u.Socket, "%q", s)
		}
		if err != nil {
			require.ErrorIs(t, err, ErrURI)
			require.Zero(t, u)
			return
		}
		again, err := ParseURI(u.String())
		require.NoError(t, err, "printed as %q", u.String())
		require.Equal(t, u, again)
	})
}
