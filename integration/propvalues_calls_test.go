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
	"github.com/pyrokit/pyrokit/transport"
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
			got, err := echoedBy(t, rt, c, p, v)
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
		s.Method("echo", func(v any) any { return v }, service.Params("value"))
		s.Method("raw", func(v codec.Value) codec.Value { return v })
		opts := []service.ServerOption{service.Serializers(codec.Names()...), service.PickleCalls()} // the Python beside is ours
		if c.BytesRepr {
			opts = append(opts, service.BytesRepr())
		}
		srv := serve(t, s, opts...)
		uri := srv.URI("echo").String()
		inBatches(max(1, *valuesCount/callsShare), func(first, count int) {
			for _, call := range x.call(t, c, uri, seed, first, count) {
				if call.Wrong != "" {
					t.Errorf("%s\nof the %s argument %s", call.Wrong, call.Way, call.Repr)
				}
			}
		})
	})
}

// A valueCalled is a call that Python made with a value.
type valueCalled struct{ Way, Repr, Wrong string }

// call has Python call a Go service with values.
func (x valuesPeer) call(t *testing.T, c valuegen.Carrier, uri string, seed uint64, first, count int) []valueCalled {
	var answer struct {
		Calls [][3]string `json:"calls"`
	}
	request := valuesRequest{Op: "call", URI: uri, Seed: strconv.FormatUint(seed, 10), First: first, Count: count}
	require.NoError(t, x.Ask(request.of(c), &answer))
	require.Len(t, answer.Calls, count)
	var calls []valueCalled
	for _, call := range answer.Calls {
		calls = append(calls, valueCalled{Way: call[0], Repr: call[1], Wrong: call[2]})
	}
	return calls
}

// echoedBy sends v to the method echo of a Python service in one of the ways that there are.
func echoedBy(t *testing.T, rt *rapid.T, c valuegen.Carrier, p *service.Proxy, v any) (any, error) {
	ways := 3
	if _, raises := v.(*transport.BatchError); raises || c.Serializer == "marshal" {
		ways = 2 // marshal knows instances only at the top, and a batch's results are a list
	}
	switch rapid.IntRange(0, ways-1).Draw(rt, "way") {
	case 0:
		return service.Call[any](t.Context(), p, "echo", v)
	case 1:
		return service.Call[any](t.Context(), p, "echo", service.Kwargs{"value": v})
	default:
		b := p.Batch()
		result := service.Queue[any](b, "echo", v)
		if err := b.Do(t.Context()); err != nil {
			return nil, err
		}
		return result.Value()
	}
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
