// A viewer of stock markets: it finds those that the name server knows and follows their quotes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"sync"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A quote is a tuple (symbol, price) in Python.
type quote struct {
	_      struct{} `pyro:",tuple"`
	Symbol string
	Price  float64
}

func main() {
	ns := flag.String("ns", nameserver.DefaultLocation(), "where the name server is")
	count := flag.Int("count", 5, "quotes to show of each market")
	flag.Parse()
	if err := run(context.Background(), *ns, *count); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, location string, count int) error {
	markets, err := find(ctx, location)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(markets))
	for i, m := range markets {
		wg.Go(func() { errs[i] = follow(ctx, m, count) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func find(ctx context.Context, location string) ([]discovery.Entry, error) {
	ns, err := nameserver.Locate(ctx, pyro.DialConfig{}, location)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	markets, err := ns.List(ctx, nameserver.Filter{Prefix: "example.stockmarket."})
	if err == nil && len(markets) == 0 {
		err = errors.New("no market is open")
	}
	return markets, err
}

// follow prints count quotes. Leaving the loop closes the iterator on the server.
func follow(ctx context.Context, m discovery.Entry, count int) error {
	p, err := service.Connect(m.URI.String())
	if err != nil {
		return err
	}
	defer p.Close()
	name, err := service.Get[string](ctx, p, "name")
	if err != nil {
		return err
	}
	for q, err := range service.Stream[quote](ctx, p, "quotes") {
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s at %.2f\n", name, q.Symbol, q.Price)
		if count--; count == 0 {
			break
		}
	}
	return nil
}
