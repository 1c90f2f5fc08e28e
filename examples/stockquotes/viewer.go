package stockquotes

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// wanted are the shares that viewers show.
var wanted = []string{"IBM", "AAPL", "MSFT"} //nolint:gochecknoglobals // a constant, were Go to have such

// A Source is what a viewer sees: a *Market in the same program, or a Remote one.
type Source interface {
	Name(ctx context.Context) (string, error)
	Quotes(ctx context.Context) iter.Seq2[Quote, error]
}

// Remote is a Source at the other end of a proxy.
type Remote struct{ Proxy *service.Proxy }

// Name reads the attribute name.
func (r Remote) Name(ctx context.Context) (string, error) {
	return service.Get[string](ctx, r.Proxy, "name")
}

// Quotes walks the remote iterator that quotes returns. Leaving the loop ends it over there.
func (r Remote) Quotes(ctx context.Context) iter.Seq2[Quote, error] {
	return service.Stream[Quote](ctx, r.Proxy, "quotes")
}

// Show prints quotes of all sources at the same time, count of each.
func Show[S Source](ctx context.Context, sources []S, count int) error {
	fmt.Println("Shown quotes:", strings.Join(wanted, ", "))
	var wg sync.WaitGroup
	errs := make([]error, len(sources))
	for i, source := range sources {
		wg.Go(func() { errs[i] = show(ctx, source, count) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func show(ctx context.Context, source Source, count int) error {
	name, err := source.Name(ctx)
	if err != nil {
		return err
	}
	for quote, err := range source.Quotes(ctx) {
		if err != nil {
			return err
		}
		if !slices.Contains(wanted, quote.Symbol) {
			continue
		}
		fmt.Printf("%s.%s: %.2f\n", name, quote.Symbol, quote.Price)
		if count--; count == 0 {
			break
		}
	}
	return nil
}

// ShowAll is Show for all markets that a name server knows, the one at location.
func ShowAll(ctx context.Context, location string, count int) error {
	ns, err := nameserver.Locate(ctx, pyro.DialConfig{}, location)
	if err != nil {
		return err
	}
	defer ns.Close()
	found, err := ns.List(ctx, nameserver.Filter{Prefix: "example.stockmarket."})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("no market is open")
	}
	var markets []Remote
	for _, market := range found {
		p, err := service.Connect(market.URI.String())
		if err != nil {
			return err
		}
		defer p.Close()
		fmt.Println("Found", market.Name)
		markets = append(markets, Remote{p})
	}
	return Show(ctx, markets, count)
}
