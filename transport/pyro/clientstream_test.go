package pyro_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestClientWalksIteratorsAsPythonDid(t *testing.T) {
	var failed *transport.Error
	tests := []struct {
		exchange, method string
		args             []any
		take             int // items after which the loop ends; 0: all
		want             []any
		wantErr          string
	}{
		{exchange: "stream", method: "stream", args: []any{2}, want: []any{"item-0", "item-1"}},
		{exchange: "stream-close", method: "stream", args: []any{3}, take: 1, want: []any{"item-0"}},
		{exchange: "stream-fails", method: "stream_fails", want: []any{int64(1)}, wantErr: "builtins.ValueError"},
	}
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		for _, serializer := range []string{"serpent", "json", "marshal"} {
			for _, tt := range tests {
				t.Run(dialect+"/"+serializer+"/"+tt.exchange, func(t *testing.T) {
					e := vectortest.Find(t, exchanges, serializer+"/"+tt.exchange)
					hello := vectortest.Find(t, exchanges, serializer+"/connect").Sent("server")[0]
					s := newScript(append([][]byte{hello}, e.Sent("server")...)...)
					p := startPeer(t, s.serve)
					proxy := proxyFor(t, p.uri("svc"), service.Dialect(dialectOf[dialect]), service.Serializer(serializer))
					var items []any
					var err error
					for item, itemErr := range service.Stream[any](t.Context(), proxy, tt.method, tt.args...) {
						if err = itemErr; err != nil {
							break
						}
						if items = append(items, item); len(items) == tt.take {
							break
						}
					}
					require.Equal(t, tt.want, items)
					if tt.wantErr == "" {
						require.NoError(t, err)
					} else {
						require.ErrorAs(t, err, &failed)
						require.Equal(t, tt.wantErr, failed.Class)
						require.True(t, failed.Remote)
					}
					requireSameWalk(t, dialect, e, s)
				})
			}
		}
	}
}

// requireSameWalk compares the requests of a walk with those of Python, the one-way end included. Only an
// iterator that failed Python closes once more, though it is gone.
func requireSameWalk(t *testing.T, dialect string, e vectortest.Exchange, s *script) {
	t.Helper()
	want := e.Sent("client")
	if strings.HasSuffix(e.Name, "/stream-fails") {
		want = want[:len(want)-1]
	}
	require.Eventually(t, func() bool { return len(s.requests()) == 1+len(want) }, patience, time.Millisecond)
	got := s.requests()[1:]
	for i, f := range got {
		w, g := readCall(t, dialect, want[i]), openCall(t, dialect, f)
		require.Equal(t, w.object, g.object)
		require.Equal(t, w.method, g.method)
		require.Equal(t, valuetest.Describe(w.args), valuetest.Describe(g.args))
		require.Equal(t, w.frame.Flags, f.Flags)
		require.Equal(t, uint16(i+1), f.Seq)
	}
}

func TestAnIteratorThatTheServerDoesNotKeepIsAnError(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		e := vectortest.Find(t, vectortest.Exchanges(t, vectors, dialect), "stream-disabled")
		s := newScript(e.Sent("server")...)
		proxy := proxyFor(t, startPeer(t, s.serve).uri("svc"), service.Dialect(dialectOf[dialect]))
		n := 0
		for _, err := range service.Stream[any](t.Context(), proxy, "stream", 2) {
			n++
			require.ErrorContains(t, err, "result of call is an iterator, but the server is not configured to allow streaming")
		}
		require.Equal(t, 1, n)
	}
}
