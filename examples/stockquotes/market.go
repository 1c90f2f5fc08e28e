// Package stockquotes is what the three phases of this example share: the markets and who looks at them.
package stockquotes

import (
	"context"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/service"
)

// pause is the time between two quotes of a market.
const pause = 100 * time.Millisecond

// A Quote is what one share costs; in Python it is a tuple.
type Quote struct {
	_      struct{} `pyro:",tuple"`
	Symbol string
	Price  float64
}

// A Market has quotes of the shares that are traded there.
type Market struct {
	name    string
	symbols []string
}

// Markets returns the two that there are.
func Markets() []*Market {
	return []*Market{
		{"NASDAQ", []string{"AAPL", "CSCO", "MSFT", "GOOG"}},
		{"NYSE", []string{"IBM", "HPQ", "BP"}},
	}
}

// Name returns the market's name.
func (m *Market) Name(context.Context) (string, error) { return m.name, nil }

// Symbols returns the names of the shares.
func (m *Market) Symbols() []string { return m.symbols }

// Quotes yields quotes until whoever takes them has enough. ctx ends with them.
func (m *Market) Quotes(ctx context.Context) iter.Seq2[Quote, error] {
	return func(yield func(Quote, error) bool) {
		for {
			symbol := m.symbols[rand.IntN(len(m.symbols))]                                  //nolint:gosec // play money
			if !yield(Quote{Symbol: symbol, Price: float64(rand.IntN(15000)) / 100}, nil) { //nolint:gosec // the same
				return
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// Service returns the market as others call it: example.stockmarket.nasdaq.
func (m *Market) Service() *service.Service {
	s := service.New("example.stockmarket." + strings.ToLower(m.name)).Tagged("market")
	s.Method("quotes", m.Quotes)
	s.Property("name", m.Name, nil)
	s.Property("symbols", m.Symbols, nil)
	return s
}
