// Phase 3: markets that other machines reach, too.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/stockquotes"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func main() {
	listen := flag.String("listen", "localhost:9092", "address of this machine that others reach")
	ns := flag.String("ns", nameserver.DefaultLocation(), "where the name server is")
	flag.Parse()

	srv := service.NewServer(
		service.Listen("tcp", *listen),
		service.Announce(nameserver.Registrar(pyro.DialConfig{}, *ns)),
	)
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
