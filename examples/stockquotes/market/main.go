// A stock market: an object with attributes and a remote iterator that never ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

type market struct {
	name    string
	symbols []string
	pause   time.Duration // between quotes
}

// quotes yields pairs of symbol and price until its caller has enough. ctx ends with the stream.
func (m *market) quotes(ctx context.Context) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for {
			symbol := m.symbols[rand.IntN(len(m.symbols))]     //nolint:gosec // play money
			if !yield(symbol, float64(rand.IntN(10000))/100) { //nolint:gosec // the same
				return
			}
			select {
			case <-time.After(m.pause):
			case <-ctx.Done():
				return
			}
		}
	}
}

func main() {
	listen := flag.String("listen", "localhost:0", "address to listen on")
	ns := flag.String("ns", nameserver.DefaultLocation(), "where the name server is")
	name := flag.String("name", "NASDAQ", "name of the market")
	symbols := flag.String("symbols", "AAPL,CSCO,MSFT,GOOG", "what is traded")
	pause := flag.Duration("pause", 500*time.Millisecond, "time between quotes")
	flag.Parse()

	m := &market{name: *name, symbols: strings.Split(*symbols, ","), pause: *pause}
	svc := service.New("example.stockmarket." + strings.ToLower(*name)).Tagged("market")
	svc.Method("quotes", m.quotes)
	svc.Property("name", func() string { return m.name }, nil)
	svc.Property("symbols", func() []string { return m.symbols }, nil)

	srv := service.NewServer(
		service.Listen("tcp", *listen),
		service.Announce(nameserver.Registrar(pyro.DialConfig{}, *ns)),
	)
	if err := srv.Add(svc); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Market is open:", srv.URI(svc.Name()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}
