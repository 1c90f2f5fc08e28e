// Phase 2: the markets are a server of their own, and known by name.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/stockquotes"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func main() {
	srv := service.NewServer(service.Announce(nameserver.Registrar(pyro.DialConfig{})))
	for _, market := range stockquotes.Markets() {
		if err := srv.Add(market.Service()); err != nil {
			log.Fatal(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		log.Print(err)
	}
}
