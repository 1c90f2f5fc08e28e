package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
)

func TestCheckOrder(t *testing.T) {
	named := func(name string, o transport.Order) transport.Middleware {
		return transport.Middleware{Name: name, Order: o}
	}
	plain := named("plain", transport.Order{})
	knows := named("knows", transport.Order{Gives: []string{"principal"}})
	needs := named("needs", transport.Order{Needs: []transport.Want{{Of: "principal", Why: "it is nobody", Must: true}}})
	likes := named("likes", transport.Order{Needs: []transport.Want{{Of: "principal", Why: "it guesses"}}})
	within := named("within", transport.Order{Inside: []transport.Want{{Of: "principal", Why: "it leaks", Must: true}}})
	server := named("server", transport.Order{End: transport.ServerEnd})
	outer := named("outer", transport.Order{Outermost: true})
	one := named("one", transport.Order{Once: "thing"})
	another := named("another", transport.Order{Once: "thing"})
	tests := []struct {
		name  string
		end   transport.End
		chain []transport.Middleware
		given []string
		want  []transport.MisplacedError
	}{
		{"nothing", transport.ServerEnd, nil, nil, nil},
		{"no wishes", transport.ServerEnd, []transport.Middleware{plain, plain}, nil, nil},
		{"its end", transport.ServerEnd, []transport.Middleware{server}, nil, nil},
		{"the end is not known", transport.AnyEnd, []transport.Middleware{server}, nil, nil},
		{"the other end", transport.ClientEnd, []transport.Middleware{plain, server}, nil, []transport.MisplacedError{
			{Index: 1, Name: "server", Text: "has no meaning on a proxy", Fatal: true},
		}},
		{"a need", transport.ServerEnd, []transport.Middleware{knows, plain, needs}, nil, nil},
		{"a need from outside of the chain", transport.ServerEnd, []transport.Middleware{needs}, []string{"principal"}, nil},
		{"a need that nobody meets", transport.ServerEnd, []transport.Middleware{needs, likes}, nil, []transport.MisplacedError{
			{Index: 0, Name: "needs", Text: "nothing in the chain gives principal: it is nobody", Fatal: true},
			{Index: 1, Name: "likes", Text: "nothing in the chain gives principal: it guesses"},
		}},
		{"a need that is met too late", transport.ServerEnd, []transport.Middleware{needs, knows, needs}, nil, []transport.MisplacedError{
			{Index: 0, Name: "needs", Text: "belongs inside of knows: it is nobody", Fatal: true},
		}},
		{"inside of nothing", transport.ServerEnd, []transport.Middleware{within}, nil, nil},
		{"inside", transport.ServerEnd, []transport.Middleware{knows, within}, nil, nil},
		{"outside", transport.ServerEnd, []transport.Middleware{within, knows}, nil, []transport.MisplacedError{
			{Index: 0, Name: "within", Text: "belongs inside of knows: it leaks", Fatal: true},
		}},
		{"outermost", transport.ServerEnd, []transport.Middleware{outer, outer, plain}, nil, nil},
		{"not outermost", transport.ServerEnd, []transport.Middleware{plain, outer}, nil, []transport.MisplacedError{
			{Index: 1, Name: "outer", Text: "belongs outside of plain"},
		}},
		{"once", transport.ServerEnd, []transport.Middleware{plain, one}, nil, nil},
		{"twice", transport.ServerEnd, []transport.Middleware{one, plain, another, one}, nil, []transport.MisplacedError{
			{Index: 2, Name: "another", Text: "does not go together with one: a chain has one thing", Fatal: true},
			{Index: 3, Name: "one", Text: "does not go together with one: a chain has one thing", Fatal: true},
		}},
	}
	for _, tt := range tests {
		var got []transport.MisplacedError
		for _, m := range transport.CheckOrder(tt.end, tt.chain, tt.given...) {
			got = append(got, *m)
		}
		require.Equal(t, tt.want, got, tt.name)
	}
	require.EqualError(t, &transport.MisplacedError{Name: "retry", Text: "has no meaning on a server"}, "retry: has no meaning on a server")
}

func TestEnds(t *testing.T) {
	require.Equal(t, "server, proxy, any end",
		transport.ServerEnd.String()+", "+transport.ClientEnd.String()+", "+transport.AnyEnd.String())
}
