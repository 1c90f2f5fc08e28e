// Phase 2: the warehouse is a server of its own. It says where it is.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/examples/warehouse"
	"github.com/pyrokit/pyrokit/service"
)

func main() {
	listen := flag.String("listen", "localhost:0", "address to listen on")
	flag.Parse()

	house := service.Of(warehouse.New()).Named("example.warehouse")
	srv := service.NewServer(service.Listen("tcp", *listen))
	if err := srv.Add(house); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Ready. Object uri =", srv.URI(house.Name()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}
