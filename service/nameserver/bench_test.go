package nameserver_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

func BenchmarkNameServer(b *testing.B) {
	const names = 10_000
	s := storage.NewMemory()
	for i := range names {
		r := storage.Record{Name: fmt.Sprintf("bench.name.%d", i), URI: "PYRO:obj_1@localhost:4711", Tags: []string{"class:bench", "odd"}}
		require.NoError(b, s.Put(b.Context(), r, false))
	}
	ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Storage(s), nameserver.Logger(quiet()))
	require.NoError(b, ns.Start(b.Context()))
	defer func() { require.NoError(b, ns.Shutdown(b.Context())) }()
	for _, bm := range []struct {
		name, method string
		args         []any
	}{
		{"lookup", "lookup", []any{"bench.name.5000"}},
		{"list of 10000", "list", []any{"bench."}},
		{"list of 10000 with metadata", "list", []any{"bench.", service.Kwargs{"return_metadata": true}}},
		{"regex, linear", "list", []any{service.Kwargs{"regex": `bench\..*99$`}}},
		{"regex, backtracking", "list", []any{service.Kwargs{"regex": `bench\.(?!x).*99$`}}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p, err := service.Connect(ns.URI().String(), service.Dialect(codec.Pyro5))
			require.NoError(b, err)
			defer p.Close()
			for b.Loop() { // the answer stays as it came: this is about the server
				_, err := service.Call[codec.Value](b.Context(), p, bm.method, bm.args...)
				require.NoError(b, err)
			}
		})
	}
}
