package pyro

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/transport"
)

const vectors = "testdata/vectors"

func dialectNamed(name string) codec.Dialect {
	if name == "pyro4" {
		return codec.Pyro4
	}
	return codec.Pyro5
}

// A chunkConn is a connection that gives its chunks one Read each, then EOF. An empty chunk is a read
// that was interrupted.
type chunkConn struct {
	net.Conn
	chunks [][]byte
}

func (c *chunkConn) Read(b []byte) (int, error) {
	if len(c.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.chunks[0])
	switch {
	case len(c.chunks[0]) == 0:
		c.chunks = c.chunks[1:]
		return 0, os.ErrDeadlineExceeded
	case n == len(c.chunks[0]):
		c.chunks = c.chunks[1:]
	default:
		c.chunks[0] = c.chunks[0][n:]
	}
	return n, nil
}

func (c *chunkConn) SetReadDeadline(time.Time) error { return nil }

func readerOf(o *wireOptions, chunks ...[]byte) *frameReader {
	if len(chunks) == 1 && len(chunks[0]) == 0 {
		chunks = nil
	}
	return newFrameReader(&chunkConn{chunks: chunks}, o)
}

// bytewise cuts b into single bytes.
func bytewise(b []byte) [][]byte {
	chunks := make([][]byte, len(b))
	for i := range b {
		chunks[i] = b[i : i+1]
	}
	return chunks
}

// rewrite builds the frame anew with what was read of it.
func rewrite(f *frame, key []byte) ([]byte, error) {
	w := beginFrame(nil, &wireOptions{dialect: f.dialect, hmacKey: key})
	err := eachAnnotation(f.annotations, f.dialect, func(k, v []byte) {
		if f.dialect != codec.Pyro4 || string(k) != keyHMAC {
			w.annotate(string(k), v)
		}
	})
	if err != nil {
		return nil, err
	}
	w.endAnnotations()
	w.buf = append(w.buf, f.payload...)
	return w.finish(frameFields{
		typ: f.typ, flags: f.flags, seq: f.seq, serializer: f.serializer, correlation: f.correlation,
	})
}

var typeNames = map[msgType]string{
	msgConnect: "CONNECT", msgConnectOK: "CONNECTOK", msgConnectFail: "CONNECTFAIL",
	msgInvoke: "INVOKE", msgResult: "RESULT", msgPing: "PING",
}

var flagNames = map[string]flags{
	"EXCEPTION": flagException, "COMPRESSED": flagCompressed, "ONEWAY": flagOneway, "BATCH": flagBatch,
	"META_ON_CONNECT": flagMeta, "ITEMSTREAMRESULT": flagItemStream, "KEEPSERIALIZED": flagBlob,
	"CORR_ID": flagCorrelated,
}

func eachCapturedMessage(t *testing.T, fn func(t *testing.T, d codec.Dialect, e *vectortest.Exchange, m *vectortest.Message)) {
	t.Helper()
	for _, name := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, name)
		for i := range exchanges {
			e := &exchanges[i]
			for j := range e.Messages {
				t.Run(fmt.Sprintf("%s/%s/%d", name, e.Name, j), func(t *testing.T) {
					fn(t, dialectNamed(name), e, &e.Messages[j])
				})
			}
		}
	}
}

func TestCapturedFramesAreRead(t *testing.T) {
	eachCapturedMessage(t, func(t *testing.T, d codec.Dialect, _ *vectortest.Exchange, m *vectortest.Message) {
		f, err := readerOf(&wireOptions{dialect: d}, m.Hex).next()
		require.NoError(t, err)
		require.Equal(t, d, f.dialect)
		require.Equal(t, m.Type, typeNames[f.typ])
		require.Equal(t, m.Seq, f.seq)
		require.Equal(t, m.Serializer, f.serializer)
		var want flags
		for _, name := range m.Flags {
			want |= flagNames[name]
		}
		require.Equal(t, want, f.flags)
		require.Equal(t, wireFlags(f.flags, d), f.rawFlags)
		if d == codec.Pyro5 {
			require.Equal(t, m.CorrelationID, f.correlation.String())
		}
		var annotations [][2]string
		require.NoError(t, eachAnnotation(f.annotations, d, func(key, value []byte) {
			annotations = append(annotations, [2]string{string(key), hex.EncodeToString(value)})
		}))
		require.ElementsMatch(t, m.Annotations, annotations)
		require.Equal(t, []byte(m.Hex[m.PayloadAt:]), f.payload)
		if m.InflatedSize > 0 {
			payload, err := inflate(f.payload, int64(m.InflatedSize), nil)
			require.NoError(t, err)
			require.Len(t, payload, m.InflatedSize)
		}
	})
}

func TestCapturedFramesAreRewrittenToTheSameBytes(t *testing.T) {
	eachCapturedMessage(t, func(t *testing.T, d codec.Dialect, e *vectortest.Exchange, m *vectortest.Message) {
		f, err := readerOf(&wireOptions{dialect: d}, m.Hex).next()
		require.NoError(t, err)
		var key []byte
		if f.verify(e.HMACKey) == nil { // else the exchange is about different keys
			key = e.HMACKey
		}
		_, signed := (&vectorsMessage{m}).annotation(keyHMAC)
		if signed && key == nil {
			return // with a key that was not written down
		}
		out, err := rewrite(&f, key)
		require.NoError(t, err)
		require.Equal(t, []byte(m.Hex), out)
	})
}

type vectorsMessage struct{ *vectortest.Message }

func (m vectorsMessage) annotation(key string) (string, bool) {
	for _, a := range m.Annotations {
		if a[0] == key {
			return a[1], true
		}
	}
	return "", false
}

func TestCapturedSignaturesHold(t *testing.T) {
	differentKeys := map[string]string{ // which side's frames do not fit the key of the exchange
		"hmac/wrong-key": "client", "hmac/client-without-key": "client",
	}
	n := 0
	for _, e := range vectortest.Exchanges(t, vectors, "pyro4") {
		if len(e.HMACKey) == 0 {
			continue
		}
		for i, m := range e.Messages {
			f, err := readerOf(&wireOptions{dialect: codec.Pyro4}, m.Hex).next()
			require.NoError(t, err)
			err = f.verify(e.HMACKey)
			if differentKeys[e.Name] == m.From {
				require.Error(t, err, "%s/%d", e.Name, i)
				continue
			}
			require.NoError(t, err, "%s/%d", e.Name, i)
			n++
			require.ErrorIs(t, f.verify(nil), errHMACMissing)
			require.ErrorIs(t, f.verify([]byte("another key")), errHMACWrong)
			f.payload = append(bytes.Clone(f.payload), 'x')
			require.ErrorIs(t, f.verify(e.HMACKey), errHMACWrong)
		}
	}
	require.Positive(t, n)
}

// capturedFrames returns a few frames of each dialect, short and long, with and without annotations.
func capturedFrames(t testing.TB) map[codec.Dialect][][]byte {
	t.Helper()
	frames := map[codec.Dialect][][]byte{}
	for _, name := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, name)
		for _, want := range []string{"serpent/connect", "serpent/context", "marshal/exception", "ping", "serpent/stream", "serpent/compressed"} {
			for _, m := range vectortest.Find(t, exchanges, want).Messages {
				frames[dialectNamed(name)] = append(frames[dialectNamed(name)], m.Hex)
			}
		}
	}
	return frames
}

func TestFramesAreReadHoweverTheyAreCut(t *testing.T) {
	for d, frames := range capturedFrames(t) {
		stream := bytes.Join(frames, nil)
		cuts := map[string][][]byte{"at once": {stream}, "byte by byte": bytewise(stream)}
		for _, size := range []int{5, 6, 7, 23, 24, 25, 39, 40, 41, 100} {
			var chunks [][]byte
			for rest := stream; len(rest) > 0; {
				n := min(size, len(rest))
				chunks, rest = append(chunks, rest[:n]), rest[n:]
			}
			cuts[fmt.Sprintf("%d bytes", size)] = chunks
		}
		var interrupted [][]byte
		for _, b := range bytewise(stream) {
			interrupted = append(interrupted, b, nil)
		}
		cuts["interrupted after each byte"] = interrupted
		for name, chunks := range cuts {
			t.Run(d.String()+"/"+name, func(t *testing.T) {
				fr := readerOf(&wireOptions{dialect: d}, chunks...)
				for _, want := range frames {
					f, err := fr.next()
					for errors.Is(err, os.ErrDeadlineExceeded) {
						f, err = fr.next()
					}
					require.NoError(t, err)
					require.Equal(t, want[len(want)-len(f.payload):], f.payload)
					out, err := rewrite(&f, nil)
					require.NoError(t, err)
					require.Equal(t, want, out)
				}
				_, err := fr.next()
				for errors.Is(err, os.ErrDeadlineExceeded) {
					_, err = fr.next()
				}
				require.ErrorIs(t, err, io.EOF)
				fr.drop()
			})
		}
	}
}

func TestATruncatedFrameIsAnError(t *testing.T) {
	for d, frames := range capturedFrames(t) {
		for i, whole := range frames {
			for n := range whole {
				_, err := readerOf(&wireOptions{dialect: d}, whole[:n]).next()
				if n == 0 {
					require.ErrorIs(t, err, io.EOF)
				} else {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s frame %d cut at %d", d, i, n)
				}
			}
		}
	}
}

func TestADetachedBufferKeepsItsFrame(t *testing.T) {
	for d, frames := range capturedFrames(t) {
		fr := readerOf(&wireOptions{dialect: d}, bytes.Join(frames, nil))
		var kept []frame
		for range frames {
			f, err := fr.next()
			require.NoError(t, err)
			kept = append(kept, f)
			fr.detach()
		}
		for i := range kept {
			out, err := rewrite(&kept[i], nil)
			require.NoError(t, err)
			require.Equal(t, frames[i], out, "%s frame %d", d, i)
		}
	}
}

func TestAFixedDialectIsTheOnlyOne(t *testing.T) {
	for d, frames := range capturedFrames(t) {
		other := codec.Pyro4 + codec.Pyro5 - d
		fr := readerOf(&wireOptions{dialect: other}, frames[0])
		fr.fix = true
		_, err := fr.next()
		var bad *frameError
		require.ErrorAs(t, err, &bad)
	}
}

func TestAnnotationsThatCannotBeWritten(t *testing.T) {
	tests := []struct {
		name    string
		dialect codec.Dialect
		maxSize int64
		notes   transport.Annotations
		payload int
		wantErr string
	}{
		{name: "a key of three letters", dialect: codec.Pyro5, notes: transport.Annotations{{Key: "ABC"}}, wantErr: "four ASCII characters"},
		{name: "a key that is not ASCII", dialect: codec.Pyro5, notes: transport.Annotations{{Key: "ABé"}}, wantErr: "four ASCII characters"},
		{name: "a value too long for Pyro4", dialect: codec.Pyro4, notes: transport.Annotations{{Key: "LONG", Value: make([]byte, 65536)}}, wantErr: "too long for Pyro4"},
		{name: "values that together are too long for Pyro4", dialect: codec.Pyro4, notes: transport.Annotations{{Key: "LNG1", Value: make([]byte, 40000)}, {Key: "LNG2", Value: make([]byte, 40000)}}, wantErr: "too long for Pyro4"},
		{name: "the same values in Pyro5", dialect: codec.Pyro5, notes: transport.Annotations{{Key: "LNG1", Value: make([]byte, 40000)}, {Key: "LNG2", Value: make([]byte, 40000)}}},
		{name: "payload and annotations beyond the limit", dialect: codec.Pyro5, maxSize: 100, notes: transport.Annotations{{Key: "NOTE", Value: make([]byte, 50)}}, payload: 43, wantErr: "max message size exceeded (101 where max=100"},
		{name: "just the limit", dialect: codec.Pyro5, maxSize: 100, notes: transport.Annotations{{Key: "NOTE", Value: make([]byte, 50)}}, payload: 42},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := []byte("before")
			w := beginFrame(bytes.Clone(before), &wireOptions{dialect: tt.dialect, maxSize: tt.maxSize})
			w.annotateAll(tt.notes)
			w.endAnnotations()
			w.buf = append(w.buf, make([]byte, tt.payload)...)
			out, err := w.finish(frameFields{typ: msgInvoke, serializer: 1})
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				require.Equal(t, before, out, "nothing of the frame stays")
				return
			}
			require.NoError(t, err)
			f, err := readerOf(&wireOptions{dialect: tt.dialect}, out[len(before):]).next()
			require.NoError(t, err)
			own, _, err := f.parseAnnotations()
			require.NoError(t, err)
			require.Equal(t, tt.notes, own)
		})
	}
}

func TestNumberingAFinishedFrameKeepsItValid(t *testing.T) {
	id := uuid.MustParse("11112222-3333-4444-5555-666677778888")
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		w := beginFrame(nil, &wireOptions{dialect: d})
		fields := frameFields{typ: msgInvoke, serializer: 1}
		w.correlate(&fields, id)
		w.endAnnotations()
		out, err := w.finish(fields)
		require.NoError(t, err)
		for _, seq := range []uint16{1, 255, 256, 65535} {
			setSeq(out, d, seq)
			f, err := readerOf(&wireOptions{dialect: d}, out).next()
			require.NoError(t, err)
			require.Equal(t, seq, f.seq)
		}
	}
}
