package service_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
)

// BenchmarkOneway sends one-way calls over loopback; a step lasts until the server has carried it out.
func BenchmarkOneway(b *testing.B) {
	var noted atomic.Int64
	s := service.New("bench.note")
	s.Method("note", func() { noted.Add(1) }, service.Oneway())
	srv := service.NewServer()
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	p, err := service.Connect(srv.URI("bench.note").String())
	require.NoError(b, err)
	defer p.Close()
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		if err := service.Do(context.Background(), p, "note"); err != nil {
			b.Fatal(err)
		}
		sent++
	}
	for noted.Load() < sent {
		if err := p.Ping(context.Background()); err != nil { // it takes its turn behind what was sent
			b.Fatal(err)
		}
	}
}
