package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestRules(t *testing.T) {
	rules := []auth.Rule{
		{Principals: []string{"kees"}, Calls: []string{"bank.close"}, Deny: true},
		{Principals: []string{"admin-*", "kees"}, Calls: []string{"bank.*"}},
		{Principals: []string{"*"}, Calls: []string{"bank.get_*", "*.peek"}},
		{Calls: []string{"public.*"}},
		{Calls: []string{"bank.balance"}, Deny: true},
		{Principals: []string{"root"}},
	}
	tests := []struct {
		name      string
		principal any
		call      transport.Call
		want      bool
	}{
		{"a pattern of principals", "admin-irma", transport.Call{Object: "bank", Method: "pay"}, true},
		{"the first rule that fits decides", "kees", transport.Call{Object: "bank", Method: "close"}, false},
		{"and else the next one", "kees", transport.Call{Object: "bank", Method: "pay"}, true},
		{"any principal", "jan", transport.Call{Object: "bank", Method: "get_x"}, true},
		{"any object", "jan", transport.Call{Object: "mint", Method: "peek"}, true},
		{"no rule fits", "jan", transport.Call{Object: "bank", Method: "pay"}, false},
		{"nobody is not any principal", nil, transport.Call{Object: "bank", Method: "get_x"}, false},
		{"everybody", nil, transport.Call{Object: "public", Method: "m"}, true},
		{"everybody is denied", "root", transport.Call{Object: "bank", Method: "balance"}, false},
		{"all calls", "root", transport.Call{Object: "bank", Method: "pay"}, true},
		{"a principal that is no string", errors.New("admin-x"), transport.Call{Object: "bank", Method: "pay"}, true},
		{"an attribute", "jan", transport.Call{Kind: transport.GetAttr, Object: "bank", Method: "balance"}, false},
		{"setting one", "jan", transport.Call{Kind: transport.SetAttr, Object: "bank", Method: "get_x"}, true},
		{"an item", "jan", transport.Call{Kind: transport.StreamItem, Object: "bank", Method: "walk"}, false},
		{"one-way", "jan", transport.Call{Object: "bank", Method: "pay", Oneway: true}, false},
		{"the daemon", "jan", transport.Call{Object: "Pyro.Daemon", Method: "registered"}, false},
		{"metadata", nil, transport.Call{Kind: transport.Metadata, Object: "Pyro.Daemon", Method: "get_metadata"}, true},
		{"the end of an iterator", nil, transport.Call{Kind: transport.StreamClose, Object: "bank", Method: "walk"}, true},
		{"a batch", "jan", transport.Call{Kind: transport.Batch, Object: "bank", Entries: []codec.BatchEntry{{Method: "get_x"}, {Method: "peek"}}}, true},
		{"a batch with a call that is denied", "kees", transport.Call{Kind: transport.Batch, Object: "bank", Entries: []codec.BatchEntry{{Method: "pay"}, {Method: "close"}}}, false},
	}
	endpoint := auth.Authorize(rules...).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{}, nil
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.call.Peer = &transport.Peer{Principal: tt.principal}
			_, err := endpoint(t.Context(), &tt.call)
			if tt.want {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, transport.ErrPermissionDenied)
		})
	}
	_, err := auth.Authorize().Call(nil)(t.Context(), &transport.Call{Object: "o", Method: "m"})
	require.EqualError(t, err, "PermissionError: a client without a name may not call o.m", "no rule allows nothing")
}

// Each way to the same thing is closed.
func TestOnAServerNoRuleIsWalkedAround(t *testing.T) {
	reached := false
	s := service.New("bank").Method("get", func() int { return 1 })
	s.Method("pay", func() { reached = true })
	s.Method("walk", func() func(func(int) bool) { reached = true; return func(func(int) bool) {} })
	s.Property("rate", func() int { reached = true; return 1 }, func(int) { reached = true })
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(
		auth.Verify(auth.Tokens(map[string]string{"irma": "sesame"})),
		auth.Authorize(auth.Rule{Principals: []string{"irma"}, Calls: []string{"bank.get"}}),
	)}, service.Use(auth.Credential("sesame")))
	ctx := t.Context()

	n, err := service.Call[int](ctx, p, "get")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	err = service.Do(ctx, p, "pay")
	require.ErrorIs(t, err, transport.ErrPermissionDenied)
	require.ErrorContains(t, err, "PermissionError: irma may not call bank.pay")
	b := p.Batch()
	service.Queue[int](b, "get")
	service.Queue[any](b, "pay")
	require.ErrorIs(t, b.Do(ctx), transport.ErrPermissionDenied)
	_, err = service.Get[int](ctx, p, "rate")
	require.ErrorIs(t, err, transport.ErrPermissionDenied)
	require.ErrorIs(t, service.Set(ctx, p, "rate", 2), transport.ErrPermissionDenied)
	for _, err = range service.Stream[int](ctx, p, "walk") {
		require.ErrorIs(t, err, transport.ErrPermissionDenied)
	}
	require.Error(t, err)
	require.False(t, reached)
	n, err = service.Call[int](ctx, p, "get")
	require.NoError(t, err, "the connection stays")
	require.Equal(t, 1, n)
}

func TestCertificates(t *testing.T) {
	irma := &x509.Certificate{Subject: pkix.Name{CommonName: "irma"}, DNSNames: []string{"irma.example"}}
	chains := [][]*x509.Certificate{{irma}}
	dns := func(c *x509.Certificate) string {
		if len(c.DNSNames) == 0 {
			return ""
		}
		return c.DNSNames[0]
	}
	tests := []struct {
		name  string
		named func(*x509.Certificate) string
		peer  *transport.Peer
		want  any
	}{
		{"the common name", nil, &transport.Peer{TLS: &tls.ConnectionState{VerifiedChains: chains}}, "irma"},
		{"a name of one's choice", dns, &transport.Peer{TLS: &tls.ConnectionState{VerifiedChains: chains}}, "irma.example"},
		{"a name that is not there", dns, &transport.Peer{TLS: &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}}, nil},
		{"a certificate that nobody verified", nil, &transport.Peer{TLS: &tls.ConnectionState{PeerCertificates: chains[0]}}, nil},
		{"no certificate", nil, &transport.Peer{TLS: &tls.ConnectionState{}}, nil},
		{"no TLS", nil, &transport.Peer{}, nil},
		{"no peer", nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			who, err := auth.Certificate(tt.named)(t.Context(), &transport.Handshake{Peer: tt.peer}, nil)
			require.Equal(t, tt.want, who)
			require.Equal(t, tt.want == nil, err != nil)
		})
	}
}

func TestAnyOfSeveral(t *testing.T) {
	no := func(context.Context, *transport.Handshake, any) (any, error) { return nil, errors.New("no") }
	nobody := func(context.Context, *transport.Handshake, any) (any, error) { return nil, nil } //nolint:nilnil // that is the case
	verify := auth.AnyOf(no, nobody, auth.Tokens(map[string]string{"irma": "sesame"}), auth.Tokens(map[string]string{"kees": "sesame"}))
	who, err := verify(t.Context(), &transport.Handshake{}, "sesame")
	require.NoError(t, err)
	require.Equal(t, "irma", who)
	for _, v := range []auth.Verifier{verify, auth.AnyOf(), auth.AnyOf(nobody)} {
		_, err = v(t.Context(), &transport.Handshake{}, "guessed")
		require.Error(t, err)
	}
}

func ExampleAuthorize() {
	rules := auth.Authorize(
		auth.Rule{Principals: []string{"teller-*"}, Calls: []string{"bank.*"}},
		auth.Rule{Calls: []string{"bank.get_*"}},
	)
	endpoint := rules.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, who := range []string{"teller-irma", "kees"} {
		_, err := endpoint(context.Background(), &transport.Call{Object: "bank", Method: "pay", Peer: &transport.Peer{Principal: who}})
		fmt.Println(who, err)
	}
	// Output:
	// teller-irma <nil>
	// kees PermissionError: kees may not call bank.pay
}

func BenchmarkAuthorize(b *testing.B) {
	reply := &transport.Reply{}
	endpoint := auth.Authorize(auth.Rule{Principals: []string{"admin-*"}}, auth.Rule{Calls: []string{"bank.get_*"}}).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil })
	call := &transport.Call{Object: "bank", Method: "get_balance", Peer: &transport.Peer{Principal: "irma"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
