// Phase 3: a viewer on any machine.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/stockquotes"
)

func main() {
	ns := flag.String("ns", nameserver.DefaultLocation(), "where the name server is")
	count := flag.Int("count", 5, "quotes to show of each market")
	flag.Parse()
	if err := stockquotes.ShowAll(context.Background(), *ns, *count); err != nil {
		log.Fatal(err)
	}
}
