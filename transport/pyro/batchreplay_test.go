package pyro_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// batchesOf returns the exchanges of batches in a serializer that is linked.
func batchesOf(t *testing.T, dialect string) []vectortest.Exchange {
	t.Helper()
	var batches []vectortest.Exchange
	for _, e := range vectortest.Exchanges(t, vectors, dialect) {
		if len(e.Messages) == 0 || e.Messages[0].Type != "INVOKE" || !slices.Contains(e.Messages[0].Flags, "BATCH") {
			continue
		}
		if f, err := vectortest.ReadFrame(bytes.NewReader(e.Messages[0].Hex)); err == nil && codecs[dialect][f.Serializer] != nil {
			batches = append(batches, e)
		}
	}
	return batches
}

func TestClientSendsBatchesAsPythonDid(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		exchanges := vectortest.Exchanges(t, vectors, dialect)
		batches := batchesOf(t, dialect)
		require.GreaterOrEqual(t, len(batches), 9)
		for _, e := range batches {
			t.Run(dialect+"/"+e.Name, func(t *testing.T) {
				want := readCall(t, dialect, e.Messages[0].Hex)
				hello := vectortest.Find(t, exchanges, connectFor(e)).Sent("server")[0]
				s := newScript(slices.Concat([][]byte{hello}, e.Sent("server"))...)
				p := startPeer(t, s.serve)
				proxy := proxyFor(t, p.uri(want.object), proxyLike(dialect, e, want)...)
				b := proxy.Batch()
				var results []*service.Result[any]
				for _, entry := range want.args {
					parts := listOf(entry)
					args := slices.Clone(listOf(parts[1]))
					if kwargs, _ := parts[2].(map[string]any); len(kwargs) > 0 {
						args = append(args, service.Kwargs(kwargs))
					}
					name, _ := parts[0].(string)
					results = append(results, service.Queue[any](b, name, args...))
				}
				var opts []service.CallOption
				if len(e.Messages) == 1 {
					opts = append(opts, service.AsOneway())
				}

				err := b.Do(t.Context(), opts...)

				if len(e.Messages) == 1 {
					require.NoError(t, err)
					require.Eventually(t, func() bool { return len(s.requests()) == 2 }, patience, time.Millisecond)
				} else {
					requireBatchUnderstood(t, dialect, e.Messages[1].Hex, results, err)
				}
				requireSameRequest(t, dialect, s.requests()[1], want, nil)
			})
		}
	}
}

// requireBatchUnderstood compares the results of a batch with what stands in the reply.
func requireBatchUnderstood(t *testing.T, dialect string, reply []byte, got []*service.Result[any], err error) {
	t.Helper()
	f, frameErr := vectortest.ReadFrame(bytes.NewReader(reply))
	require.NoError(t, frameErr)
	require.NotZero(t, f.Flags&vectortest.Batch)
	var list any
	require.NoError(t, codecs[dialect][f.Serializer].Unmarshal(f.Payload, &list, nil))
	want := listOf(list)
	for i, r := range got {
		v, of := r.Value()
		switch {
		case i >= len(want):
			require.ErrorIs(t, of, service.ErrNotExecuted)
		case isEnd(want[i]):
			require.Equal(t, err, of)
			end, _ := want[i].(*transport.BatchError)
			require.Equal(t, valuetest.Describe(end.Err), valuetest.Describe(transport.AsError(of)))
		default:
			require.NoError(t, of)
			require.Equal(t, valuetest.Describe(want[i]), valuetest.Describe(v))
		}
	}
	require.Equal(t, slices.ContainsFunc(want, isEnd), err != nil)
}

func isEnd(v any) bool {
	_, ok := v.(*transport.BatchError)
	return ok
}
