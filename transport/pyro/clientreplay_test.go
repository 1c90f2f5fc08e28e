package pyro_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

var dialectOf = map[string]codec.Dialect{"pyro4": codec.Pyro4, "pyro5": codec.Pyro5}

// A capturedCall is what a Python client asked for.
type capturedCall struct {
	frame          *vectortest.Frame
	serializer     string
	object, method string
	args           []any
	kwargs         map[string]any // nil for None
}

func readCall(t *testing.T, dialect string, data []byte) *capturedCall {
	t.Helper()
	f, err := vectortest.ReadFrame(bytes.NewReader(data))
	require.NoError(t, err)
	return openCall(t, dialect, f)
}

func openCall(t *testing.T, dialect string, f *vectortest.Frame) *capturedCall {
	t.Helper()
	c := codecs[dialect][f.Serializer]
	require.NotNil(t, c)
	call := &capturedCall{frame: f, serializer: c.Name()}
	var v any
	require.NoError(t, c.Unmarshal(inflated(t, f), &v, nil))
	var args, kwargs any
	switch x := v.(type) {
	case map[string]any: // json
		call.object, _ = x["object"].(string)
		call.method, _ = x["method"].(string)
		args, kwargs = x["params"], x["kwargs"]
	default:
		parts := listOf(v)
		require.Len(t, parts, 4, "%T", v)
		call.object, _ = parts[0].(string)
		call.method, _ = parts[1].(string)
		args, kwargs = parts[2], parts[3]
	}
	call.args = listOf(args)
	call.kwargs, _ = kwargs.(map[string]any)
	return call
}

// listOf returns the elements of a tuple or list, which msgpack does not tell apart.
func listOf(v any) []any {
	if t, ok := v.(codec.Tuple); ok {
		return t
	}
	list, _ := v.([]any)
	return list
}

// callsOf returns the exchanges of one request and one reply.
func callsOf(t *testing.T, dialect string) []vectortest.Exchange {
	t.Helper()
	var calls []vectortest.Exchange
	for _, e := range vectortest.Exchanges(t, vectors, dialect) {
		if strings.HasPrefix(e.Name, "flame/") || len(e.Messages) != 2 || e.Messages[0].Type != "INVOKE" || e.Messages[1].Type != "RESULT" {
			continue
		}
		if slices.Contains(e.Messages[0].Flags, "BATCH") || slices.Contains(e.Messages[0].Flags, "KEEPSERIALIZED") {
			continue
		}
		calls = append(calls, e)
	}
	return calls
}

func TestClientAsksAndUnderstandsAsPythonDid(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		calls := callsOf(t, dialect)
		require.Greater(t, len(calls), 120)
		for _, e := range calls {
			t.Run(dialect+"/"+e.Name, func(t *testing.T) {
				want := readCall(t, dialect, e.Messages[0].Hex)
				connect := connectFor(e)
				if strings.HasPrefix(e.Name, "nameserver/") {
					connect = strings.Join(strings.Split(e.Name, "/")[:2], "/") + "/connect"
				}
				hello := vectortest.Find(t, exchanges, connect).Sent("server")[0]
				s := newScript(hello, e.Messages[1].Hex)
				p := startPeer(t, s.serve)
				proxy := proxyFor(t, p.uri(want.object), proxyLike(dialect, e, want)...)

				got, err := repeatCall(t.Context(), proxy, want)

				require.Len(t, s.requests(), 2, err)
				requireSameRequest(t, dialect, s.requests()[1], want, e.HMACKey)
				requireUnderstood(t, dialect, e.Messages[1].Hex, got, err)
			})
		}
	}
}

// proxyLike returns the options that make a proxy ask as the captured one did.
func proxyLike(dialect string, e vectortest.Exchange, want *capturedCall) []service.ProxyOption {
	opts := []service.ProxyOption{service.Dialect(dialectOf[dialect]), service.Serializer(want.serializer), service.NoMetadata()}
	if strings.Contains(e.Name, "compress") {
		opts = append(opts, service.Compression())
	}
	if len(e.HMACKey) > 0 {
		opts = append(opts, service.HMACKey(string(e.HMACKey)))
	}
	return opts
}

// repeatCall makes the captured call.
func repeatCall(ctx context.Context, p *service.Proxy, c *capturedCall) (any, error) {
	var id uuid.UUID
	if copy(id[:], c.frame.Annotations["CORR"]) > 0 || c.frame.Flags&vectortest.Correlated5 != 0 && c.frame.Dialect == "pyro5" {
		if c.frame.Dialect == "pyro5" {
			id = c.frame.Correlation
		}
		ctx = transport.WithCorrelationID(ctx, id)
	}
	switch c.method {
	case "__getattr__":
		name, _ := c.args[0].(string)
		return service.Get[any](ctx, p, name)
	case "__setattr__":
		name, _ := c.args[0].(string)
		return nil, service.Set(ctx, p, name, c.args[1])
	}
	args := slices.Clone(c.args)
	if len(c.kwargs) > 0 {
		args = append(args, service.Kwargs(c.kwargs))
	}
	for _, key := range c.frame.Keys {
		if key != "CORR" && key != "HMAC" {
			args = append(args, service.WithAnnotation(key, []byte(c.frame.Annotations[key])))
		}
	}
	return service.Call[any](ctx, p, c.method, args...)
}

func requireSameRequest(t *testing.T, dialect string, got *vectortest.Frame, want *capturedCall, key []byte) {
	t.Helper()
	sent := openCall(t, dialect, got)
	require.Equal(t, want.frame.Type, got.Type)
	require.Equal(t, want.frame.Flags, got.Flags)
	require.Equal(t, want.frame.Serializer, got.Serializer)
	require.Equal(t, uint16(1), got.Seq, "CONNECT has 0")
	require.Equal(t, want.frame.Correlation, got.Correlation)
	require.ElementsMatch(t, want.frame.Keys, got.Keys)
	for _, k := range got.Keys {
		if k == "HMAC" {
			require.Equal(t, signature(got, key), got.Annotations[k])
		} else {
			require.Equal(t, want.frame.Annotations[k], got.Annotations[k])
		}
	}
	require.Equal(t, want.object, sent.object)
	require.Equal(t, want.method, sent.method)
	require.Equal(t, valuetest.DescribeAll(want.args), valuetest.DescribeAll(sent.args))
	if len(want.kwargs)+len(sent.kwargs) > 0 {
		require.Equal(t, valuetest.Describe(want.kwargs), valuetest.Describe(sent.kwargs))
	}
	if want.kwargs == nil {
		require.Nil(t, sent.kwargs, "None for keyword arguments")
	}
}

// requireUnderstood compares what a call gave with what stands in the reply.
func requireUnderstood(t *testing.T, dialect string, reply []byte, got any, err error) {
	t.Helper()
	f, frameErr := vectortest.ReadFrame(bytes.NewReader(reply))
	require.NoError(t, frameErr)
	var want any
	require.NoError(t, codecs[dialect][f.Serializer].Unmarshal(inflated(t, f), &want, nil))
	if f.Flags&vectortest.Exception == 0 {
		require.NoError(t, err)
		require.Equal(t, valuetest.Describe(want), valuetest.Describe(got))
		return
	}
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Remote)
	require.False(t, e.NotSent)
	require.NotEmpty(t, e.Traceback)
	require.NotEmpty(t, e.Op)
	require.NotEmpty(t, e.Peer)
	require.Equal(t, valuetest.Describe(want), valuetest.Describe(e))
}

func TestClientShakesHandsAsPythonDid(t *testing.T) {
	correlated := transport.WithCorrelationID(context.Background(), uuid.MustParse("11112222-3333-4444-5555-666677778888"))
	tests := []struct {
		exchange   string
		only       string // dialect
		object     string
		serializer string
		ctx        context.Context //nolint:containedctx // of one call
		opts       []service.ProxyOption
		wantErr    error
		wantText   string
	}{
		{exchange: "serpent/connect", object: "svc", serializer: "serpent"},
		{exchange: "json/connect", object: "svc", serializer: "json"},
		{exchange: "marshal/connect", object: "svc", serializer: "marshal"},
		{exchange: "serpent/connect-data", object: "svc", serializer: "serpent", opts: []service.ProxyOption{service.Handshake(map[string]any{"user": "irma", "token": []int{1, 2}})}},
		{exchange: "json/connect-data", object: "svc", serializer: "json", opts: []service.ProxyOption{service.Handshake(map[string]any{"user": "irma", "token": []int{1, 2}})}},
		{exchange: "serpent/connect-denied", object: "svc", serializer: "serpent", wantErr: transport.ErrUnauthenticated, wantText: "wrong token"},
		{exchange: "json/connect-denied", object: "svc", serializer: "json", wantErr: transport.ErrUnauthenticated, wantText: "wrong token"},
		{exchange: "serpent/connect-unknown-object", object: "nobody", serializer: "serpent", wantErr: transport.ErrNotFound, wantText: "unknown object"},
		{exchange: "serpent/connect-nothing-exposed", object: "nothing", serializer: "serpent", wantErr: transport.ErrPermissionDenied, wantText: "remote object doesn't expose any methods or attributes"},
		{exchange: "connect-correlation", object: "svc", serializer: "serpent", ctx: correlated},
		{exchange: "daemon-connect", object: "Pyro.Daemon", serializer: "serpent"},
		{exchange: "hmac/connect", only: "pyro4", object: "svc", serializer: "serpent", opts: []service.ProxyOption{service.HMACKey("secret key")}},
		{exchange: "hmac/wrong-key", only: "pyro4", object: "svc", serializer: "serpent", opts: []service.ProxyOption{service.HMACKey("other")}, wantErr: transport.ErrUnauthenticated, wantText: "message hmac mismatch"},
		{exchange: "hmac/client-without-key", only: "pyro4", object: "svc", serializer: "serpent", wantErr: transport.ErrUnauthenticated, wantText: "hmac key config not symmetric"},
		{exchange: "hmac/server-without-key", only: "pyro4", object: "svc", serializer: "serpent", opts: []service.ProxyOption{service.HMACKey("k")}, wantErr: transport.ErrUnauthenticated, wantText: "hmac key config not symmetric"},
	}
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		for _, tt := range tests {
			if tt.only != "" && tt.only != dialect {
				continue
			}
			t.Run(dialect+"/"+tt.exchange, func(t *testing.T) {
				e := vectortest.Find(t, exchanges, tt.exchange)
				s := newScript(e.Sent("server")[0])
				p := startPeer(t, s.serve)
				opts := append([]service.ProxyOption{service.Dialect(dialectOf[dialect]), service.Serializer(tt.serializer)}, tt.opts...)
				proxy := proxyFor(t, p.uri(tt.object), opts...)
				ctx := t.Context()
				if tt.ctx != nil {
					ctx = tt.ctx
				}

				info, err := proxy.Info(ctx)

				want, readErr := vectortest.ReadFrame(bytes.NewReader(e.Sent("client")[0]))
				require.NoError(t, readErr)
				requireSameFrame(t, dialect, want, s.requests()[0])
				if tt.wantErr != nil {
					require.ErrorIs(t, err, tt.wantErr)
					require.ErrorContains(t, err, tt.wantText)
					require.True(t, transport.AsError(err).NotSent)
					return
				}
				require.NoError(t, err)
				requireWelcome(t, dialect, e.Sent("server")[0], info)
			})
		}
	}
}

// requireSameFrame compares two handshakes.
func requireSameFrame(t *testing.T, dialect string, want, got *vectortest.Frame) {
	t.Helper()
	require.Equal(t, want.Type, got.Type)
	require.Equal(t, want.Flags, got.Flags)
	require.Equal(t, want.Seq, got.Seq)
	require.Equal(t, want.Serializer, got.Serializer)
	require.Equal(t, want.Correlation, got.Correlation)
	require.ElementsMatch(t, append(slices.Clone(want.Keys), "PKIT"), got.Keys, "what an end of this toolkit adds")
	require.Equal(t, want.Annotations["CORR"], got.Annotations["CORR"])
	if signed, ok := want.Annotations["HMAC"]; ok {
		keys := []string{"secret key", "other", "k"}
		i := slices.IndexFunc(keys, func(key string) bool { return signature(want, []byte(key)) == signed })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, signature(got, []byte(keys[i])), got.Annotations["HMAC"])
	}
	var w, g any
	require.NoError(t, codecs[dialect][want.Serializer].Unmarshal(want.Payload, &w, nil))
	require.NoError(t, codecs[dialect][got.Serializer].Unmarshal(got.Payload, &g, nil))
	require.Equal(t, valuetest.Describe(w), valuetest.Describe(g))
}

func requireWelcome(t *testing.T, dialect string, reply []byte, info *service.Info) {
	t.Helper()
	f, err := vectortest.ReadFrame(bytes.NewReader(reply))
	require.NoError(t, err)
	var raw map[string]any
	require.NoError(t, codecs[dialect][f.Serializer].Unmarshal(f.Payload, &raw, nil))
	meta, _ := raw["meta"].(map[string]any)
	require.Equal(t, valuetest.Describe(raw["handshake"]), valuetest.Describe(info.Answer))
	require.ElementsMatch(t, namesOf(meta["methods"]), info.Metadata.Methods)
	require.ElementsMatch(t, namesOf(meta["oneway"]), info.Metadata.Oneway)
	require.ElementsMatch(t, namesOf(meta["attrs"]), info.Metadata.Attrs)
	require.Equal(t, dialectOf[dialect], info.Peer.Dialect)
}

func namesOf(v any) []string {
	var items []any
	switch x := v.(type) {
	case []any:
		items = x
	case codec.Tuple:
		items = x
	case codec.Set:
		items = slices.Collect(x.All())
	}
	names := []string{}
	for _, item := range items {
		s, _ := item.(string)
		names = append(names, s)
	}
	return names
}
