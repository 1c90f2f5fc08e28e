// Two banks in one server, each under a name of its own, with metadata that says what they are.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/examples/banks"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func main() {
	srv := service.NewServer(service.Announce(nameserver.Registrar(pyro.DialConfig{})))
	err := srv.Add(
		service.Of(banks.New("Strict bank", false)).Named("example.banks.strict").Tagged("bank"),
		service.Of(banks.New("Lenient bank", true)).Named("example.banks.lenient").Tagged("bank"),
	)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		log.Print(err)
	}
}
