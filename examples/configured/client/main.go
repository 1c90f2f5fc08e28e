// A client whose proxy stands in a file: what it calls, how long it waits, what it repeats, what it says who it is.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
)

func main() {
	file := flag.String("config", "client.yaml", "configuration `file`")
	flag.Parse()
	if err := run(*file, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(file string, items []string) error {
	p, err := program.New([]string{file})
	if err != nil {
		return err
	}
	defer p.Close()
	prices, err := p.Proxy("prices")
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, item := range items {
		price, err := service.Call[int](ctx, prices, "get", item)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d.%02d\n", item, price/100, price%100)
	}
	return nil
}
