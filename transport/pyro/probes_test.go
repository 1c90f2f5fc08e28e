package pyro_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
)

func TestServerAnswersRawBytesAsPythonDid(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		for _, p := range vectortest.Probes(t, vectors, dialect) {
			t.Run(dialect+"/"+p.Name, func(t *testing.T) {
				address := startPython(t, serverForProbe(p.Name)...)
				if p.Name == "no-workers" {
					hello := vectortest.Find(t, vectortest.Exchanges(t, vectors, dialect), "serpent/connect").Sent("client")[0]
					keeper := &replay{t: t, address: address, streams: strings.NewReplacer()}
					keeper.connect(hello)
				}
				b := &probe{replay: replay{t: t, name: dialect + "/" + p.Name, dialect: dialect}}
				b.conn = dialRaw(t, address)
				b.run(p)
			})
		}
	}
}

// serverForProbe returns the options that make of a server the daemon that was probed.
func serverForProbe(name string) []service.ServerOption {
	switch name {
	case "hmac-missing":
		return []service.ServerOption{service.HMACKey("secret key")}
	case "serializer-not-accepted", "call-serializer-not-accepted", "call-pickle-not-accepted":
		return []service.ServerOption{service.Serializers("json")}
	case "too-large-connect", "too-large-call", "too-large-result":
		return []service.ServerOption{service.MaxMessageSize(1000)}
	case "no-workers":
		return []service.ServerOption{service.MaxConnections(1)}
	default:
		return nil
	}
}

// A probe sends raw bytes and compares what comes back.
type probe struct {
	replay

	shaken bool // the handshake was accepted
}

func (b *probe) run(p vectortest.Probe) {
	d := deviationOf(probeDeviations, b.name)
	for i, step := range p.Steps {
		_, err := b.conn.Write(step.Send)
		require.NoError(b.t, err)
		b.asked = firstFrame(step.Send)
		for _, want := range frames(b.t, step.Reply) {
			got, err := vectortest.ReadFrame(b.conn)
			require.NoError(b.t, err)
			b.compareProbe(d, got, want)
		}
		if b.deviant && d.ends != "" {
			step.Connection = d.ends
		}
		if step.Connection != "open" {
			requireClosed(b.t, b.conn)
		} else if i == len(p.Steps)-1 {
			b.requireOpen()
		}
		if b.deviant {
			break
		}
	}
	require.Equal(b.t, d != nil, b.deviant, "is the list of deviations right?")
}

// compareProbe holds one answer against the captured one.
func (b *probe) compareProbe(d *deviation, got, want *vectortest.Frame) {
	t := b.t
	gotText, wantText := b.describePayload(got), b.describePayload(want)
	b.shaken = b.shaken || got.Type == vectortest.ConnectOK
	if d != nil && (gotText != wantText || got.Dialect != want.Dialect || got.Flags != want.Flags) {
		b.deviates(d, got, want, gotText, wantText)
		return
	}
	require.Equal(t, want.Type, got.Type)
	require.Equal(t, want.Seq, got.Seq)
	require.Equal(t, want.Serializer, got.Serializer)
	require.Equal(t, wantText, gotText)
	if want.Type == vectortest.ConnectFail { // whose correlation id it carries, or none, is an accident
		want.Flags &^= vectortest.Correlated5
		got.Flags &^= vectortest.Correlated5
		if want.Annotations["HMAC"] != "" {
			require.Equal(t, signature(got, []byte("secret key")), got.Annotations["HMAC"])
		}
	} else {
		require.Equal(t, sortedKeys(want), sortedKeys(got), "annotations")
	}
	require.Equal(t, want.Flags, got.Flags, "flags")
}

// requireOpen wants the connection to stand and nothing more to come.
func (b *probe) requireOpen() {
	if b.shaken {
		dialect := b.dialect
		if b.asked.Dialect != "" {
			dialect = b.asked.Dialect
		}
		_, err := b.conn.Write(ping(dialect))
		require.NoError(b.t, err)
		pong, err := vectortest.ReadFrame(b.conn)
		require.NoError(b.t, err)
		require.Equal(b.t, vectortest.Ping, pong.Type)
		return
	}
	half, ok := b.conn.(*net.TCPConn) // before the handshake there is nothing to ask
	require.True(b.t, ok)
	require.NoError(b.t, half.CloseWrite())
	requireClosed(b.t, b.conn)
}

// firstFrame returns the frame that data begins with, or an empty one if data is garbage.
func firstFrame(data []byte) *vectortest.Frame {
	f, err := vectortest.ReadFrame(bytes.NewReader(data))
	if err != nil {
		return &vectortest.Frame{}
	}
	return f
}

func frames(t *testing.T, data []byte) []*vectortest.Frame {
	t.Helper()
	var all []*vectortest.Frame
	for r := bytes.NewReader(data); r.Len() > 0; {
		f, err := vectortest.ReadFrame(r)
		require.NoError(t, err)
		all = append(all, f)
	}
	return all
}
