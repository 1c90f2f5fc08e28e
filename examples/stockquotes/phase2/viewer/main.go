// Phase 2: a viewer of the markets that the name server on this machine knows.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/stockquotes"
)

func main() {
	count := flag.Int("count", 5, "quotes to show of each market")
	flag.Parse()
	if err := stockquotes.ShowAll(context.Background(), nameserver.DefaultLocation(), *count); err != nil {
		log.Fatal(err)
	}
}
