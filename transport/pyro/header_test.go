package pyro

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
)

// plainFrame is a frame of dialect d with eight bytes of payload.
func plainFrame(t testing.TB, d codec.Dialect) []byte {
	t.Helper()
	w := beginFrame(nil, &wireOptions{dialect: d})
	w.endAnnotations()
	w.buf = append(w.buf, "12345678"...)
	out, err := w.finish(frameFields{typ: msgInvoke, serializer: 1, seq: 7})
	require.NoError(t, err)
	return out
}

// claim sets a frame's sizes of annotations and payload to what they are not.
func claim(frame []byte, d codec.Dialect, annotations, payload uint32) []byte {
	binary.BigEndian.PutUint32(frame[12:], payload)
	if d == codec.Pyro5 {
		binary.BigEndian.PutUint32(frame[16:], annotations)
		return frame
	}
	binary.BigEndian.PutUint16(frame[18:], uint16(annotations))
	binary.BigEndian.PutUint16(frame[22:], checksum4(frame))
	return frame
}

func TestBrokenHeadersAreRefusedInTheDialectOfTheSender(t *testing.T) {
	edit := func(d codec.Dialect, at int, b ...byte) []byte {
		f := plainFrame(t, d)
		copy(f[at:], b)
		return f
	}
	tests := []struct {
		name    string
		bytes   []byte
		dialect codec.Dialect
		text    string
	}{
		{"another tag", edit(codec.Pyro5, 3, 'A'), codec.Pyro5, "invalid data"},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), codec.Pyro5, "invalid data"},
		{"an older Pyro4", edit(codec.Pyro4, 4, 0, 47), codec.Pyro4, "invalid data or unsupported protocol version"},
		{"an older Pyro5", edit(codec.Pyro5, 4, 1, 0xf5), codec.Pyro5, "invalid protocol version: 501"},
		{"a version to come", edit(codec.Pyro5, 4, 1, 0xf7), codec.Pyro5, "invalid protocol version: 503"},
		{"a wrong checksum", edit(codec.Pyro4, 22, 1, 2), codec.Pyro4, "header checksum mismatch"},
		{"a field that the checksum does not fit", edit(codec.Pyro4, 10, 1, 2), codec.Pyro4, "header checksum mismatch"},
		{"a wrong magic number", edit(codec.Pyro5, 38, 1, 2), codec.Pyro5, "invalid message or protocol version"},
		{"a negative size", claim(plainFrame(t, codec.Pyro4), codec.Pyro4, 0, 0xfffffffb), codec.Pyro4, "negative buffersize in recv"},
		{"a size beyond the limit, Pyro4", claim(plainFrame(t, codec.Pyro4), codec.Pyro4, 0, 1001), codec.Pyro4, "max message size exceeded (1001 where max=1000)"},
		{"a size beyond the limit, Pyro5", claim(plainFrame(t, codec.Pyro5), codec.Pyro5, 0, 1001), codec.Pyro5, "message too large (1001, max=1000)"},
		{"annotations count, too", claim(plainFrame(t, codec.Pyro5), codec.Pyro5, 500, 501), codec.Pyro5, "message too large (1001, max=1000)"},
		{"sizes that overflow when added", claim(plainFrame(t, codec.Pyro5), codec.Pyro5, 0xffffffff, 0xffffffff), codec.Pyro5, "message too large (8589934590, max=1000)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, chunks := range [][][]byte{{tt.bytes}, bytewise(tt.bytes)} {
				_, err := readerOf(&wireOptions{maxSize: 1000}, chunks...).next()
				var bad *frameError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, tt.dialect, bad.dialect)
				require.Equal(t, tt.text, bad.text)
			}
		})
	}
}

func TestAVersionIsRefusedBeforeTheRestOfTheHeaderCame(t *testing.T) {
	_, err := readerOf(&wireOptions{}, []byte("PYRO\x00\x2f")).next()
	var bad *frameError
	require.ErrorAs(t, err, &bad)
}

func TestASizeIsBelievedOnlyAsFarAsBytesArrive(t *testing.T) {
	const claimed = 1 << 30
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		liar := append(claim(plainFrame(t, d), d, 0, claimed), make([]byte, 100_000)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readerOf(&wireOptions{maxSize: DefaultMaxMessageSize}, liar).next()
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20))
	}
}

func TestSizesThatLie(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		next := plainFrame(t, d)
		t.Run(d.String()+"/a payload that is shorter than claimed", func(t *testing.T) {
			_, err := readerOf(&wireOptions{}, claim(plainFrame(t, d), d, 0, 9)).next()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		})
		t.Run(d.String()+"/a payload that is longer than claimed", func(t *testing.T) {
			fr := readerOf(&wireOptions{}, append(claim(plainFrame(t, d), d, 0, 4), next...))
			f, err := fr.next()
			require.NoError(t, err)
			require.Equal(t, "1234", string(f.payload))
			_, err = fr.next()
			var bad *frameError
			require.ErrorAs(t, err, &bad, "what follows is no frame")
		})
		t.Run(d.String()+"/annotations that are the payload", func(t *testing.T) {
			f, err := readerOf(&wireOptions{}, claim(plainFrame(t, d), d, 8, 0)).next()
			require.NoError(t, err)
			require.Empty(t, f.payload)
			_, _, err = f.parseAnnotations()
			if d == codec.Pyro4 { // a lead of six bytes, two bytes of a value that claims more
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		})
	}
}

// The daemons of both dialects were asked (probes annotation-cut and annotation-overrun): a rest too
// short for a lead ends the connection in both, a value that runs over the end is cut short in Pyro4
// and ends the connection in Pyro5.
func TestAnnotationsThatDoNotFit(t *testing.T) {
	tests := []struct {
		name    string
		dialect codec.Dialect
		raw     string
		want    map[string]string
		wantErr bool
	}{
		{"Pyro4: none", codec.Pyro4, "", map[string]string{}, false},
		{"Pyro4: one", codec.Pyro4, "ABCD\x00\x02xy", map[string]string{"ABCD": "xy"}, false},
		{"Pyro4: the last of equal keys", codec.Pyro4, "ABCD\x00\x01xABCD\x00\x01y", map[string]string{"ABCD": "y"}, false},
		{"Pyro4: a value over the end", codec.Pyro4, "ABCD\x00\x09xy", map[string]string{"ABCD": "xy"}, false},
		{"Pyro4: a rest too short", codec.Pyro4, "ABCD\x00\x02xyABCD\x00", nil, true},
		{"Pyro4: a key that is not ASCII", codec.Pyro4, "\xff\xfe\xfd\xfc\x00\x00", nil, true},
		{"Pyro5: none", codec.Pyro5, "", map[string]string{}, false},
		{"Pyro5: one", codec.Pyro5, "ABCD\x00\x00\x00\x02xy", map[string]string{"ABCD": "xy"}, false},
		{"Pyro5: a value over the end", codec.Pyro5, "ABCD\x00\x00\x00\x09xy", nil, true},
		{"Pyro5: a value far over the end", codec.Pyro5, "ABCD\xff\xff\xff\xffxy", nil, true},
		{"Pyro5: a rest too short", codec.Pyro5, "ABCD\x00\x00\x00", nil, true},
		{"Pyro5: a key that is not ASCII", codec.Pyro5, "ABC\x80\x00\x00\x00\x00", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := frame{dialect: tt.dialect, annotations: []byte(tt.raw)}
			own, _, err := f.parseAnnotations()
			if tt.wantErr {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			got := map[string]string{}
			for _, a := range own {
				got[a.Key] = string(a.Value)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestReservedAnnotationsAreNobodysOwn(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		w := beginFrame(nil, &wireOptions{dialect: d})
		w.annotate("USER", []byte("u"))
		w.annotate(keyStream, []byte("id"))
		if d == codec.Pyro4 {
			w.annotate(keyCorrelation, []byte("0123456789abcdef"))
			w.annotate(keyHMAC, []byte("digest"))
		}
		f := frame{dialect: d, annotations: w.buf[w.body:]}
		own, reserved, err := f.parseAnnotations()
		require.NoError(t, err)
		require.Len(t, own, 1)
		require.Equal(t, "id", reserved.stream)
		if d == codec.Pyro4 {
			require.Equal(t, "digest", string(reserved.hmac))
			require.Equal(t, "0123456789abcdef", string(reserved.correlation))
		}
	}
}

func TestABombIsStoppedAtTheLimit(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, err := w.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := inflate(packed.Bytes(), 63<<20, nil)
	runtime.ReadMemStats(&after)
	var limit *codec.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "MaxInflatedSize", limit.Option)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "it is measured first")

	runtime.ReadMemStats(&before)
	var reserved int64
	out, err := inflate(packed.Bytes(), 64<<20, func(n int64) error { reserved = n; return nil })
	runtime.ReadMemStats(&after)
	require.NoError(t, err, "just the limit is allowed")
	require.Len(t, out, 64<<20)
	require.EqualValues(t, 64<<20, reserved)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(65<<20))

	refused := errors.New("no room")
	_, err = inflate(packed.Bytes(), 64<<20, func(int64) error { return refused })
	require.ErrorIs(t, err, refused)
}

func TestWhatIsNotCompressedCannotBeInflated(t *testing.T) {
	whole := deflate(bytes.Repeat([]byte("compress me "), 40))
	for name, data := range map[string][]byte{
		"nothing": nil, "plain text": []byte("plain text"), "cut": whole[:len(whole)-1],
		"a wrong checksum": append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]+1),
	} {
		_, err := inflate(data, 1<<20, nil)
		require.ErrorIs(t, err, errInflate, name)
	}
}

func TestCompressionFollowsTheRuleOfTheDialect(t *testing.T) {
	tests := []struct {
		name    string
		dialect codec.Dialect
		typ     msgType
		flags   flags
		payload []byte
		want    bool
	}{
		{"Pyro4: 199 bytes", codec.Pyro4, msgInvoke, 0, make([]byte, 199), false},
		{"Pyro4: 200 bytes", codec.Pyro4, msgInvoke, 0, make([]byte, 200), true},
		{"Pyro4: an exception", codec.Pyro4, msgResult, flagException, make([]byte, 2000), false},
		{"Pyro4: a refusal", codec.Pyro4, msgConnectFail, 0, make([]byte, 2000), false},
		{"Pyro4: what would grow", codec.Pyro4, msgInvoke, 0, incompressible(300), false},
		{"Pyro5: 100 bytes", codec.Pyro5, msgInvoke, 0, make([]byte, 100), false},
		{"Pyro5: 101 bytes", codec.Pyro5, msgInvoke, 0, make([]byte, 101), true},
		{"Pyro5: an exception", codec.Pyro5, msgResult, flagException, make([]byte, 2000), true},
		{"Pyro5: what grows", codec.Pyro5, msgInvoke, 0, incompressible(300), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := beginFrame(nil, &wireOptions{dialect: tt.dialect, compress: true})
			w.endAnnotations()
			w.buf = append(w.buf, tt.payload...)
			out, err := w.finish(frameFields{typ: tt.typ, flags: tt.flags, serializer: 1})
			require.NoError(t, err)
			f, err := vectortest.ReadFrame(bytes.NewReader(out))
			require.NoError(t, err)
			require.Equal(t, tt.want, f.Flags&vectortest.Compressed != 0)
			if tt.want {
				r, err := zlib.NewReader(bytes.NewReader(f.Payload))
				require.NoError(t, err)
				f.Payload, err = io.ReadAll(r)
				require.NoError(t, err)
			}
			require.Equal(t, tt.payload, f.Payload)
		})
	}
}

// incompressible returns n bytes without a pattern.
func incompressible(n int) []byte {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
