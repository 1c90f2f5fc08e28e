// A server whose surroundings stand in a file: where it listens, who may call what, limits, log, metrics.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
	"github.com/pyrokit/pyrokit/transport"
)

// prices are in cents.
type prices map[string]int

func (p prices) get(item string) (int, error) {
	price, ok := p[item]
	if !ok {
		return 0, transport.NewError("builtins.KeyError", item)
	}
	return price, nil
}

func (p prices) items() []string { return slices.Sorted(maps.Keys(p)) }

func main() {
	file := flag.String("config", "server.yaml", "configuration `file`")
	flag.Parse()
	if err := run(*file); err != nil {
		log.Fatal(err)
	}
}

func run(file string) error {
	p, err := program.New([]string{file}, program.OnReady(func(at []program.Address) {
		for _, a := range at {
			fmt.Println("READY", a.What, a.URI)
		}
	}))
	if err != nil {
		return err // each mistake in the file, with its line
	}
	stock := prices{"tea": 350, "milk": 120}
	svc := service.New("example.prices")
	svc.Method("get", stock.get)
	svc.Method("items", stock.items) // the file lets nobody call it
	if err := p.Server().Add(svc); err != nil {
		return errors.Join(err, p.Close())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.Run(ctx)
}
