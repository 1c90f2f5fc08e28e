// Phase 3: visitors of a warehouse that they know by name.
package main

import (
	"context"
	"log"
	"os"

	"github.com/pyrokit/pyrokit/examples/warehouse"
	"github.com/pyrokit/pyrokit/service"
)

func main() {
	house, err := service.Connect("PYRONAME:example.warehouse")
	if err != nil {
		log.Fatal(err)
	}
	defer house.Close()
	if err := warehouse.Visits(context.Background(), warehouse.Remote{Proxy: house}, os.Stdin); err != nil {
		log.Print(err)
	}
}
