// Phase 1: markets and viewer are one ordinary program.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/pyrokit/pyrokit/examples/stockquotes"
)

func main() {
	count := flag.Int("count", 5, "quotes to show of each market")
	flag.Parse()
	if err := stockquotes.Show(context.Background(), stockquotes.Markets(), *count); err != nil {
		log.Fatal(err)
	}
}
