// The greeting server of Pyro's manual, in Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func getFortune(name string) string {
	return fmt.Sprintf("Hello, %s. Here is your fortune message:\n"+
		"Behold the warranty -- the bold print giveth and the fine print taketh away.", name)
}

func main() {
	listen := flag.String("listen", "localhost:0", "address to listen on")
	ns := flag.String("ns", nameserver.DefaultLocation(), "where the name server is")
	flag.Parse()

	greeter := service.New("example.greeting")
	greeter.Method("get_fortune", getFortune, service.Params("name"))

	srv := service.NewServer(
		service.Listen("tcp", *listen),
		service.Announce(nameserver.Registrar(pyro.DialConfig{}, *ns)), // as soon as it is there
	)
	if err := srv.Add(greeter); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Ready. Object uri =", srv.URI(greeter.Name()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}
