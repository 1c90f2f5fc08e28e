// Phase 2: visitors of a warehouse whose address they are told.
package main

import (
	"context"
	"log"
	"os"

	"github.com/pyrokit/pyrokit/examples/warehouse"
	"github.com/pyrokit/pyrokit/service"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: visit URI")
	}
	house, err := service.Connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer house.Close()
	if err := warehouse.Visits(context.Background(), warehouse.Remote{Proxy: house}, os.Stdin); err != nil {
		log.Print(err)
	}
}
