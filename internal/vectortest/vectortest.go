// Package vectortest reads the frames that were captured from Python's Pyro, for the tests of several
// packages. It has its own reader of frames, so that no test judges the code under test by itself, and
// leaves payloads as they are. Values and their bytes are in codec/testdata/vectors, in a format of
// their own: codec/internal/vectors reads those.
package vectortest

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Dialects are the dialects that were captured, as the files name them.
var Dialects = []string{"pyro4", "pyro5"}

// An Exchange is one scene between a Python client and a Python daemon.
type Exchange struct {
	Name     string    `json:"name"`
	HMACKey  Bytes     `json:"hmac_key"` //nolint:tagliatelle // as the capturing program names it
	Messages []Message `json:"messages"`
}

// A Message is a captured frame and what the capturing program understood of it.
type Message struct {
	From            string      `json:"from"`
	Type            string      `json:"type"`
	Flags           []string    `json:"flags"`
	Seq             uint16      `json:"seq"`
	Serializer      uint16      `json:"serializer"`
	DataSize        int         `json:"data_size"`        //nolint:tagliatelle // as the capturing program names it
	AnnotationsSize int         `json:"annotations_size"` //nolint:tagliatelle // as the capturing program names it
	CorrelationID   string      `json:"correlation_id"`   //nolint:tagliatelle // as the capturing program names it
	Annotations     [][2]string `json:"annotations"`
	PayloadAt       int         `json:"payload_at"`    //nolint:tagliatelle // as the capturing program names it
	InflatedSize    int         `json:"inflated_size"` //nolint:tagliatelle // as the capturing program names it
	Hex             Bytes       `json:"hex"`
}

// A Probe is a row of raw bytes that a daemon was sent, and what came back.
type Probe struct {
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// A Step is one piece of a Probe. Connection is "open", "closed" or "reset" afterwards.
type Step struct {
	Send       Bytes  `json:"send"`
	Reply      Bytes  `json:"reply"`
	Connection string `json:"connection"`
}

// Bytes are written as hexadecimal digits.
type Bytes []byte

// UnmarshalText reads hexadecimal digits.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// Exchanges reads the exchanges of a dialect from the folder dir.
func Exchanges(t testing.TB, dir, dialect string) []Exchange {
	t.Helper()
	var file struct {
		Exchanges []Exchange `json:"exchanges"`
	}
	load(t, dir, "messages-"+dialect+".json", &file)
	require.NotEmpty(t, file.Exchanges)
	return file.Exchanges
}

// Find returns the exchange of that name.
func Find(t testing.TB, all []Exchange, name string) Exchange {
	t.Helper()
	i := slices.IndexFunc(all, func(e Exchange) bool { return e.Name == name })
	require.GreaterOrEqual(t, i, 0, "no exchange %s", name)
	return all[i]
}

// Sent returns the frames that one side, "client" or "server", sent in an exchange.
func (e Exchange) Sent(side string) [][]byte {
	var frames [][]byte
	for _, m := range e.Messages {
		if m.From == side {
			frames = append(frames, m.Hex)
		}
	}
	return frames
}

// Probes reads the probes of a dialect from the folder dir.
func Probes(t testing.TB, dir, dialect string) []Probe {
	t.Helper()
	var file struct {
		Probes []Probe `json:"probes"`
	}
	load(t, dir, "probes-"+dialect+".json", &file)
	require.NotEmpty(t, file.Probes)
	return file.Probes
}

func load(t testing.TB, dir, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// A Frame is one message on the wire. Type, Flags and Serializer are numbered as its dialect does.
type Frame struct {
	Dialect     string
	Type        int
	Flags       uint16
	Seq         uint16
	Serializer  uint16
	Correlation [16]byte // Pyro5's header
	Keys        []string // of the annotations, in the order of the wire
	Annotations map[string]string
	Payload     []byte
}

// Numbers of the messages and, by dialect, of the flags that are not the same in both.
const (
	Connect = iota + 1
	ConnectOK
	ConnectFail
	Invoke
	Result
	Ping

	Exception  = 0x01
	Compressed = 0x02
	Oneway     = 0x04
	Batch      = 0x08

	Meta4       = 0x10
	ItemStream4 = 0x20
	ItemStream5 = 0x10
	Correlated5 = 0x40
)

// IsStream tells the announcement of a remote iterator.
func (f *Frame) IsStream() bool {
	if f.Dialect == "pyro4" {
		return f.Flags&ItemStream4 != 0
	}
	return f.Flags&ItemStream5 != 0
}

// ReadFrame reads one frame of either dialect.
func ReadFrame(r io.Reader) (*Frame, error) {
	h := make([]byte, 24, 40)
	if _, err := io.ReadFull(r, h); err != nil {
		return nil, err //nolint:wrapcheck // callers compare it
	}
	be := binary.BigEndian
	f := &Frame{Annotations: map[string]string{}}
	var annotations, payload, lead int
	switch version := be.Uint16(h[4:]); version {
	case 48:
		f.Dialect, lead = "pyro4", 6
		f.Type, f.Flags, f.Seq = int(be.Uint16(h[6:])), be.Uint16(h[8:]), be.Uint16(h[10:])
		payload, f.Serializer, annotations = int(be.Uint32(h[12:])), be.Uint16(h[16:]), int(be.Uint16(h[18:]))
		sum := f.Type + 48 + payload + annotations + int(f.Serializer) + int(f.Flags) + int(f.Seq) + 0x34e9
		if uint16(sum) != be.Uint16(h[22:]) {
			return nil, fmt.Errorf("checksum %04x, want %04x", be.Uint16(h[22:]), sum&0xffff)
		}
	case 502:
		f.Dialect, lead = "pyro5", 8
		h = h[:40]
		if _, err := io.ReadFull(r, h[24:]); err != nil {
			return nil, fmt.Errorf("second part of the header: %w", err)
		}
		f.Type, f.Serializer, f.Flags, f.Seq = int(h[6]), uint16(h[7]), be.Uint16(h[8:]), be.Uint16(h[10:])
		payload, annotations = int(be.Uint32(h[12:])), int(be.Uint32(h[16:]))
		f.Correlation = [16]byte(h[20:36])
		if be.Uint16(h[38:]) != 0x4dc5 {
			return nil, fmt.Errorf("magic number %04x", be.Uint16(h[38:]))
		}
	default:
		return nil, fmt.Errorf("version %d", version)
	}
	if string(h[:4]) != "PYRO" || min(annotations, payload) < 0 || annotations+payload > 1<<24 {
		return nil, fmt.Errorf("header %x", h)
	}
	body := make([]byte, annotations+payload)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("body of %d bytes: %w", len(body), err)
	}
	f.Payload = body[annotations:]
	return f, f.readAnnotations(body[:annotations], lead)
}

func (f *Frame) readAnnotations(raw []byte, lead int) error {
	for len(raw) > 0 {
		if len(raw) < lead {
			return fmt.Errorf("annotations end in %x", raw)
		}
		n := int(binary.BigEndian.Uint16(raw[lead-2:])) // none is longer than 65535 bytes
		if len(raw) < lead+n {
			return fmt.Errorf("annotation %q runs over the end", raw[:4])
		}
		key := string(raw[:4])
		f.Keys = append(f.Keys, key)
		f.Annotations[key] = string(raw[lead : lead+n])
		raw = raw[lead+n:]
	}
	return nil
}

// Renumber returns a copy of a frame with another sequence number, which no signature covers.
func Renumber(frame []byte, seq uint16) []byte {
	frame = append([]byte(nil), frame...)
	be := binary.BigEndian
	if old := be.Uint16(frame[10:]); be.Uint16(frame[4:]) == 48 {
		be.PutUint16(frame[22:], be.Uint16(frame[22:])+seq-old)
	}
	be.PutUint16(frame[10:], seq)
	return frame
}

// Build returns a frame without annotations, for what no Python client ever sent.
func Build(dialect string, typ int, flags, seq, serializer uint16, payload string) []byte {
	be := binary.BigEndian
	size := uint32(len(payload))
	if dialect == "pyro4" {
		h := append(make([]byte, 0, 24), "PYRO\x00\x30"...)
		for _, n := range []uint16{uint16(typ), flags, seq, uint16(size >> 16), uint16(size), serializer, 0, 0} {
			h = be.AppendUint16(h, n)
		}
		sum := uint16(typ) + 48 + uint16(size) + serializer + flags + seq + 0x34e9
		return append(be.AppendUint16(h, sum), payload...)
	}
	h := append(make([]byte, 0, 40), "PYRO\x01\xf6"...)
	h = append(h, byte(typ), byte(serializer))
	h = be.AppendUint16(be.AppendUint16(h, flags), seq)
	h = be.AppendUint32(be.AppendUint32(h, size), 0)
	h = append(h, make([]byte, 18)...)
	return append(be.AppendUint16(h, 0x4dc5), payload...)
}
