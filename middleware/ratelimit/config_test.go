package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	irma, kees := peer("irma", "10.0.0.1"), peer("kees", "10.0.0.1")
	calls := []*transport.Call{
		{Peer: irma, Object: "a", Method: "m"},
		{Peer: irma, Object: "a", Method: "n"},
		{Peer: irma, Object: "b", Method: "m"},
		{Peer: kees, Object: "a", Method: "m"},
	}
	tests := []struct {
		text string
		want int // of the four calls
	}{
		{`{"rules": [{"rate": 1}]}`, 1},
		{`{"rules": [{"rate": 1, "burst": 3}]}`, 3},
		{`{"rules": [{"calls": "a.*", "rate": 1}]}`, 2},
		{`{"rules": [{"principals": "irma", "rate": 1}]}`, 2},
		{`{"rules": [{"rate": 1, "per": ["PER_PRINCIPAL"]}]}`, 2},
		{`{"rules": [{"rate": 1, "per": ["PER_OBJECT"]}]}`, 2},
		{`{"rules": [{"rate": 1, "per": ["PER_METHOD", "PER_OBJECT"]}]}`, 3},
		{`{"rules": [{"rate": 1, "per": ["PER_METHOD", "PER_OBJECT"]}], "max_buckets": 1}`, 2},
		{`{"rules": [{"rate": 1}], "wait": "3s"}`, 4},
		{`{"rules": [{"rate": 1}, {"calls": "b.*"}]}`, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			made, err := ratelimit.FromConfig(configtest.Message(t, &configv1.RateLimit{}, tt.text), middleware.Env{})
			require.NoError(t, err)
			require.Equal(t, tt.want, allowed(t, made.Call(answer), calls...), tt.text)
		})
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.RateLimit) error { _, err := ratelimit.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.RateLimit{}, from, map[string][]string{
		`{}`: {"rules: must have one at least"},
		`{"rules": [{"rate": 1}, {"rate": -2, "burst": -1}], "wait": "-1s", "max_buckets": -1}`: {
			"rules[1].rate: must be a number of 0 or more, not -2", "rules[1].burst: must be 0 or more, not -1",
			"wait: must be a time of 0s or more", "max_buckets: must be 0 or more, not -1",
		},
		`{"rules": [{"rate": "NaN"}]}`:      {"rules[0].rate: must be a number of 0 or more, not NaN"},
		`{"rules": [{"rate": "Infinity"}]}`: {"rules[0].rate: must be a number of 0 or more, not +Inf"},
		`{"rules": [{"per": ["PER_OBJECT", "PER_UNSPECIFIED"]}]}`: {
			"rules[0].per[1]: must be PER_PRINCIPAL, PER_OBJECT or PER_METHOD, not PER_UNSPECIFIED",
		},
	})
}

func TestOrder(t *testing.T) {
	known := transport.Middleware{Name: "auth", Order: transport.Order{Gives: []string{"principal"}}}
	tests := []struct {
		name  string
		chain []transport.Middleware
		want  []string
		fatal bool
	}{
		{"no principals", []transport.Middleware{ratelimit.New(ratelimit.Limit(ratelimit.Rule{Per: ratelimit.Object}))}, nil, false},
		{
			"per principal",
			[]transport.Middleware{ratelimit.New(ratelimit.Limit(ratelimit.Rule{Per: ratelimit.Principal}))},
			[]string{"ratelimit: nothing in the chain gives principal: peers are told apart by their host"},
			false,
		},
		{
			"for principals",
			[]transport.Middleware{ratelimit.New(ratelimit.Limit(
				ratelimit.Rule{Principals: "*"}, ratelimit.Rule{Per: ratelimit.Principal}))},
			[]string{"ratelimit: nothing in the chain gives principal: a rule for principals would fit nobody"},
			true,
		},
		{"inside of auth", []transport.Middleware{known, ratelimit.New(ratelimit.Limit(ratelimit.Rule{Principals: "*"}))}, nil, false},
	}
	for _, tt := range tests {
		var got []string
		for _, m := range transport.CheckOrder(transport.ServerEnd, tt.chain) {
			got = append(got, m.Error())
			require.Equal(t, tt.fatal, m.Fatal, tt.name)
		}
		require.Equal(t, tt.want, got, tt.name)
	}
	waiting := ratelimit.New(ratelimit.Limit(ratelimit.Rule{}), ratelimit.Wait(time.Second))
	require.Equal(t, []string{"turn"}, waiting.Order.Gives)
}
