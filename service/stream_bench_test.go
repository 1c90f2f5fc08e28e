package service_test

import (
	"context"
	"iter"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
)

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// BenchmarkStream walks a remote iterator over loopback; a step is an item.
func BenchmarkStream(b *testing.B) {
	s := service.New("bench.stream").Method("numbers", upTo)
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	p, err := service.Connect(srv.URI("bench.stream").String())
	require.NoError(b, err)
	defer p.Close()
	for name, opts := range map[string][]any{"asked": nil, "ahead": {service.Ahead()}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			want := 0
			for i, err := range service.Stream[int](context.Background(), p, "numbers", append(opts, b.N)...) {
				if err != nil || i != want {
					b.Fatal(i, want, err)
				}
				want++
			}
			require.Equal(b, want, b.N)
		})
	}
}
