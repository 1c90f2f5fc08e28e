// Phase 1: the warehouse and its visitors are one ordinary program.
package main

import (
	"context"
	"log"
	"os"

	"github.com/pyrokit/pyrokit/examples/warehouse"
)

func main() {
	if err := warehouse.Visits(context.Background(), warehouse.New(), os.Stdin); err != nil {
		log.Fatal(err)
	}
}
