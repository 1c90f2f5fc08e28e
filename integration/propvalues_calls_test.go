//go:build integration

package integration

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/valuegen"
	"github.com/pyrokit/pyrokit/service"
)

// callsShare is how many values go through a serializer for one that goes through a call.
const callsShare = 4

// A Go client's argument is for a Python method the value that it was, and the result so for the client.
func TestValuesInCallsToPython(t *testing.T) {
	seeded(t, max(1, *valuesCount/callsShare))
	eachCarrier(t, func(t *testing.T, x valuesPeer, c valuegen.Carrier) {
		p := proxy(t, x.URIs["echo"], carrierOptions(c)...)
		values := c.Values()
		rapid.Check(t, func(rt *rapid.T) {
			v := values.Draw(rt, "value")
			sent := c.Sent(valuegen.Describe(v))
			if c.Serializer != "msgpack" { // whose extensions Python's daemon leaves as they are in arguments
				seen, err := service.Call[string](t.Context(), p, "describe", v)
				require.NoError(rt, err)
				same(rt, sent, parsed(rt, []byte(seen)), true)
			}
			got, err := service.Call[any](t.Context(), p, "echo", v)
			if err != nil {
				require.True(rt, unwritable(c, err.Error()), "%v", err)
				return
			}
			same(rt, c.Arrives(sent), valuegen.Describe(got), false)
		})
	})
}

// A Python client gets of a Go echo what it gets of a Python one.
func TestValuesInCallsToGo(t *testing.T) {
	seed := seeded(t, *valuesCount)
	eachCarrier(t, func(t *testing.T, x valuesPeer, c valuegen.Carrier) {
		s := service.New("echo")
		s.Method("echo", func(v any) any { return v })
		opts := []service.ServerOption{service.Serializers(codec.Names()...), service.PickleCalls()} // the Python beside is ours
		if c.BytesRepr {
			opts = append(opts, service.BytesRepr())
		}
		srv := serve(t, s, opts...)
		uri := srv.URI("echo").String()
		inBatches(max(1, *valuesCount/callsShare), func(first, count int) {
			for _, call := range x.call(t, c, uri, seed, first, count) {
				if call[1] != "" {
					t.Errorf("%s\nof the value %s", call[1], call[0])
				}
			}
		})
	})
}

// call has Python call the method echo of a Go service with values. It returns the values, and what is wrong
// with what came back.
func (x valuesPeer) call(t *testing.T, c valuegen.Carrier, uri string, seed uint64, first, count int) [][2]string {
	var answer struct {
		Calls [][2]string `json:"calls"`
	}
	request := valuesRequest{Op: "call", URI: uri, Seed: strconv.FormatUint(seed, 10), First: first, Count: count}
	require.NoError(t, x.Ask(request.of(c), &answer))
	require.Len(t, answer.Calls, count)
	return answer.Calls
}

// carrierOptions make a proxy write as c says.
func carrierOptions(c valuegen.Carrier) []service.ProxyOption {
	opts := []service.ProxyOption{service.Serializer(c.Serializer), service.Dialect(c.Dialect)}
	if c.BytesRepr {
		opts = append(opts, service.BytesRepr())
	}
	if c.Protocol != 0 {
		opts = append(opts, service.PickleProtocol(c.Protocol))
	}
	return opts
}
