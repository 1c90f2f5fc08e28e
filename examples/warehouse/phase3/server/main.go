// Phase 3: the warehouse is found by its name.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/warehouse"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func main() {
	srv := service.NewServer(service.Announce(nameserver.Registrar(pyro.DialConfig{})))
	if err := srv.Add(service.Of(warehouse.New()).Named("example.warehouse")); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		log.Print(err)
	}
}
