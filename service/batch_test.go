package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
)

func BenchmarkBatch(b *testing.B) {
	const n = 1000
	s := service.New("bench.batch")
	s.Method("echo", func(message string) string { return message })
	s.Method("add", func(x, y int) int { return x + y })
	s.Method("nothing", func() {})
	srv := service.NewServer()
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	p, err := service.Connect(srv.URI("bench.batch").String(), service.Dialect(codec.Pyro5))
	require.NoError(b, err)
	defer p.Close()
	fill := map[string]func(*service.Batch){
		"echo":    func(batch *service.Batch) { service.Queue[string](batch, "echo", "hello world") },
		"add":     func(batch *service.Batch) { service.Queue[int](batch, "add", 1, 2) },
		"nothing": func(batch *service.Batch) { service.Queue[any](batch, "nothing") },
	}
	for name, queue := range fill {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			batch := p.Batch()
			i := 0
			for b.Loop() {
				queue(batch)
				if i++; i%n != 0 {
					continue
				}
				if err := batch.Do(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
