package service_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
)

// BenchmarkEcho calls echo("hello world") over loopback, server and client in this process: the
// allocations are those of both sides together.
func BenchmarkEcho(b *testing.B) {
	s := service.New("bench.echo")
	s.Method("echo", func(message string) string { return message })
	srv := service.NewServer()
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p, err := service.Connect(srv.URI("bench.echo").String(), service.Dialect(d))
		require.NoError(b, err)
		defer p.Close()
		call := func(b *testing.B) { //nolint:thelper // Helper costs what is measured
			if _, err := service.Call[string](context.Background(), p, "echo", "hello world"); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(d.String()+"/one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(b)
			}
		})
		for _, callers := range []int{32, 256} {
			b.Run(fmt.Sprintf("%s/%d", d, callers), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						call(b)
					}
				})
			})
		}
	}
}

// BenchmarkConnect connects, calls once and closes.
func BenchmarkConnect(b *testing.B) {
	s := service.New("bench.echo")
	s.Method("echo", func(message string) string { return message })
	srv := service.NewServer()
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	uri := srv.URI("bench.echo").String()
	b.ReportAllocs()
	for b.Loop() {
		p, err := service.Connect(uri)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := service.Call[string](context.Background(), p, "echo", "hello world"); err != nil {
			b.Fatal(err)
		}
		_ = p.Close()
	}
}
