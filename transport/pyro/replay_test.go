package pyro_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"errors"
	"io"
	"log/slog"
	"net"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/codec/msgpack"
	"github.com/pyrokit/pyrokit/codec/pickle"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

const vectors = "testdata/vectors"

// patience is how long a test waits for what must come; it is not part of what is tested.
const patience = 20 * time.Second

// codecs are those that are built in, by the numbers of each dialect.
var codecs = map[string]map[uint16]codec.Codec{
	"pyro4": {1: serpent.Codec, 2: json.Codec, 3: marshal.Codec, 4: pickle.Codec, 5: pickle.Dill, 6: msgpack.Codec, 7: pickle.CloudPickle},
	"pyro5": {1: serpent.Codec, 2: marshal.Codec, 3: json.Codec, 4: msgpack.Codec},
}

// A deviation is a place where the answer is, on purpose, not Python's.
type deviation struct {
	names  []string // of exchanges or probes, with the dialect in front; as in path.Match
	reason string
	// want is what our answer holds instead, as valuetest describes it; empty where the class of an exception
	// is Python's, and only its text is not.
	want string
	// ends is the state of the connection afterwards where that, too, is another.
	ends string
}

func deviationOf(all []deviation, name string) *deviation {
	for i := range all {
		for _, pattern := range all[i].names {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				return &all[i]
			}
		}
	}
	return nil
}

// startPython serves what the captured daemons served.
func startPython(t *testing.T, opts ...service.ServerOption) string {
	t.Helper()
	return serveAll(t, objects(), opts...)
}

// startServing serves one service and returns its address.
func startServing(t *testing.T, s *service.Service, opts ...service.ServerOption) string {
	t.Helper()
	return serveAll(t, []*service.Service{s}, opts...)
}

func serveAll(t *testing.T, services []*service.Service, opts ...service.ServerOption) string {
	t.Helper()
	opts = append([]service.ServerOption{
		service.Listen("tcp", "127.0.0.1:0"), service.Logger(slog.New(slog.DiscardHandler)),
	}, opts...)
	srv := service.NewServer(opts...)
	require.NoError(t, srv.Add(services...))
	require.NoError(t, srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	})
	_, address := srv.URI("svc").Address()
	return address
}

func dialRaw(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// foreign begin the names of exchanges with other services.
var foreign = []string{"flame/", "nameserver/"}

func TestServerAnswersAsPythonDid(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		replayed := 0
		for _, e := range exchanges {
			ofOthers := slices.ContainsFunc(foreign, func(s string) bool { return strings.HasPrefix(e.Name, s) })
			if ofOthers || len(e.Messages) == 0 { // the Python client refused by itself
				continue
			}
			replayed++
			t.Run(dialect+"/"+e.Name, func(t *testing.T) {
				r := &replay{
					t: t, name: dialect + "/" + e.Name, dialect: dialect, key: e.HMACKey,
					address: startPython(t, serverFor(e)...), streams: strings.NewReplacer(),
				}
				if e.Messages[0].Type != "CONNECT" {
					r.connect(vectortest.Find(t, exchanges, connectFor(e)).Sent("client")[0])
				}
				r.run(e)
			})
		}
		require.Greater(t, replayed, 120)
	}
}

// connectFor names the exchange that opened the connection which e went over.
func connectFor(e vectortest.Exchange) string {
	prefix, _, found := strings.Cut(e.Name, "/")
	if !found {
		prefix = "serpent"
	}
	return prefix + "/connect"
}

// serverFor returns the options that make of a server the daemon of the exchange.
func serverFor(e vectortest.Exchange) []service.ServerOption {
	var opts []service.ServerOption
	_, what, found := strings.Cut(e.Name, "/")
	if !found {
		what = e.Name
	}
	switch what {
	case "daemon-annotations":
		opts = append(opts, service.Annotate(func() transport.Annotations {
			return transport.Annotations{{Key: "DMN1", Value: []byte("from the daemon")}}
		}))
	case "compressed", "compression-short", "compressed-exception":
		opts = append(opts, service.Compression())
	case "connect-data":
		opts = append(opts, service.Use(answering(codec.ValueOf(map[string]any{"welcome": true}), nil)))
	case "connect-denied":
		opts = append(opts, service.Use(answering(codec.Value{}, errors.New("wrong token"))))
	case "stream-disabled":
		opts = append(opts, service.NoStreams())
	case "bytes-repr":
		opts = append(opts, service.BytesRepr())
	}
	switch serializer, _, _ := strings.Cut(e.Name, "/"); serializer {
	case "msgpack", "pickle", "cloudpickle", "dill": // in Pyro4 they have to be asked for
		opts = append(opts, service.Serializers(serializer))
	}
	if len(e.HMACKey) > 0 {
		opts = append(opts, service.HMACKey(string(e.HMACKey)))
	}
	return opts
}

// answering is a middleware that answers handshakes with v, or denies them with err.
func answering(v codec.Value, err error) transport.Middleware {
	return transport.Middleware{Name: "answering", Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
		return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
			if err != nil {
				return nil, err
			}
			w, err := next(ctx, h)
			if err == nil {
				w.Value = v
			}
			return w, err
		}
	}}
}

// A replay sends what a Python client sent and compares what comes back.
type replay struct {
	t       *testing.T
	name    string
	dialect string
	address string
	key     []byte
	conn    net.Conn
	streams *strings.Replacer // from the captured ids of iterators to the server's
	asked   *vectortest.Frame // the last frame that was sent
	ended   bool              // the server has to close the connection now
	deviant bool              // an answer was not Python's
}

func (r *replay) connect(frame []byte) {
	r.conn = dialRaw(r.t, r.address)
	r.send(frame)
	answer, err := vectortest.ReadFrame(r.conn)
	require.NoError(r.t, err)
	require.Equal(r.t, vectortest.ConnectOK, answer.Type)
}

func (r *replay) send(frame []byte) {
	frame = []byte(r.streams.Replace(string(frame))) // of equal length, and no checksum covers payloads
	_, err := r.conn.Write(frame)
	require.NoError(r.t, err)
	r.asked, err = vectortest.ReadFrame(bytes.NewReader(frame))
	require.NoError(r.t, err)
}

func (r *replay) run(e vectortest.Exchange) {
	for _, m := range e.Messages {
		if m.From == "client" {
			if m.Type == "CONNECT" {
				r.conn, r.ended = dialRaw(r.t, r.address), false
			}
			r.send(m.Hex)
			continue
		}
		want, err := vectortest.ReadFrame(bytes.NewReader(m.Hex))
		require.NoError(r.t, err)
		got, err := vectortest.ReadFrame(r.conn)
		require.NoError(r.t, err)
		r.compare(got, want)
	}
	switch {
	case r.ended:
		requireClosed(r.t, r.conn)
	case r.key == nil:
		r.requireSilentAndOpen()
	}
	require.Equal(r.t, deviationOf(replayDeviations, r.name) != nil, r.deviant, "is the list of deviations right?")
}

// requireSilentAndOpen asks for a sign of life, which has to be the next thing that comes.
func (r *replay) requireSilentAndOpen() {
	_, err := r.conn.Write(ping(r.dialect))
	require.NoError(r.t, err)
	pong, err := vectortest.ReadFrame(r.conn)
	require.NoError(r.t, err)
	if d := deviationOf(replayDeviations, r.name); d != nil && pong.Type == vectortest.Result { // an answer where Python has none
		r.deviant = true
		require.Contains(r.t, r.describePayload(pong), d.want)
		return
	}
	require.Equal(r.t, vectortest.Ping, pong.Type)
	require.Equal(r.t, "pong", string(pong.Payload))
}

func requireClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	rest, err := io.ReadAll(conn)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(t, err)
	}
	require.Empty(t, rest)
}

// compare holds one answer against the captured one.
func (r *replay) compare(got, want *vectortest.Frame) {
	t := r.t
	deviation := deviationOf(replayDeviations, r.name)
	gotText, wantText := r.describePayload(got), r.describePayload(want)
	if deviation != nil && r.deviates(deviation, got, want, gotText, wantText) {
		return
	}
	require.Equal(t, want.Type, got.Type)
	require.Equal(t, want.Flags, got.Flags, "flags")
	require.Equal(t, want.Seq, got.Seq)
	require.Equal(t, want.Serializer, got.Serializer)
	require.Equal(t, wantText, gotText)
	r.compareAnnotations(got, want)
	r.ended = want.Type == vectortest.ConnectFail ||
		strings.HasPrefix(wantText, "exception Pyro") && (strings.Contains(wantText, ".SerializeError(") || strings.Contains(wantText, ".SecurityError("))
	if want.IsStream() && want.Annotations["STRM"] != "" {
		r.streams = strings.NewReplacer(want.Annotations["STRM"], got.Annotations["STRM"])
	}
}

// deviates judges an answer that is allowed not to be Python's.
func (r *replay) deviates(d *deviation, got, want *vectortest.Frame, gotText, wantText string) bool {
	if gotText == wantText && slices.Equal(sortedKeys(got), sortedKeys(want)) {
		return false
	}
	r.deviant = true
	if d.want != "" {
		require.Contains(r.t, gotText, d.want)
		return true
	}
	gotClass, _, _ := strings.Cut(gotText, "(")
	wantClass, _, _ := strings.Cut(wantText, "(")
	require.Equal(r.t, wantClass, gotClass)
	return true
}

func sortedKeys(f *vectortest.Frame) []string { return slices.Sorted(slices.Values(f.Keys)) }

func (r *replay) compareAnnotations(got, want *vectortest.Frame) {
	t := r.t
	keys := sortedKeys(got)
	if want.Type == vectortest.ConnectFail && want.Annotations["CORR"] == "" {
		// Which id a refusal carries, or none, depends on what Python's thread did before.
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == "CORR" })
	}
	require.Equal(t, sortedKeys(want), keys, "annotations")
	for key, value := range want.Annotations {
		switch key {
		case "CORR":
			require.Len(t, got.Annotations[key], 16)
			if sent, ok := r.asked.Annotations[key]; ok {
				require.Equal(t, sent, got.Annotations[key])
			}
		case "STRM":
			require.Len(t, got.Annotations[key], len(value))
		case "HMAC":
			require.Equal(t, signature(got, r.key), got.Annotations[key])
		default:
			require.Equal(t, value, got.Annotations[key])
		}
	}
	if r.asked.Dialect == "pyro5" && r.asked.Flags&vectortest.Correlated5 != 0 {
		require.Equal(t, r.asked.Correlation, got.Correlation)
	}
}

// signature is Pyro4's HMAC of a frame.
func signature(f *vectortest.Frame, key []byte) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(f.Payload)
	for _, k := range sortedKeys(f) {
		if k != "HMAC" {
			mac.Write([]byte(f.Annotations[k]))
		}
	}
	return string(mac.Sum(nil))
}

// inflated returns a frame's payload.
func inflated(t *testing.T, f *vectortest.Frame) []byte {
	t.Helper()
	if f.Flags&vectortest.Compressed == 0 {
		return f.Payload
	}
	z, err := zlib.NewReader(bytes.NewReader(f.Payload))
	require.NoError(t, err)
	payload, err := io.ReadAll(z)
	require.NoError(t, err)
	return payload
}

func (r *replay) describePayload(f *vectortest.Frame) string {
	payload := inflated(r.t, f)
	c := codecs[f.Dialect][f.Serializer]
	if f.Type == vectortest.Ping || c == nil {
		return string(payload)
	}
	var v any
	require.NoError(r.t, c.Unmarshal(payload, &v, nil))
	text := valuetest.Describe(v)
	if id, ok := v.(map[string]any); ok && r.asked.Annotations["CORR"] == "" && r.asked.Flags&vectortest.Correlated5 == 0 {
		if made, ok := id["correlation_id"].(string); ok { // by the daemon
			text = strings.ReplaceAll(text, made, strings.Repeat("x", len(made)))
		}
	}
	// The class of the object is Service there, and its name here.
	return strings.ReplaceAll(text, "'Service'", "'svc'")
}

func ping(dialect string) []byte {
	if dialect == "pyro4" {
		return []byte("PYRO\x00\x30\x00\x06\x00\x00\x00\x00\x00\x00\x00\x04\x00\x2a\x00\x00\x00\x00\x35\x4dping")
	}
	return []byte("PYRO\x01\xf6\x06\x2a\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00" + strings.Repeat("\x00", 16) + "\x00\x00\x4d\xc5ping")
}
