// The greeting client of Pyro's manual, in Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/pyrokit/pyrokit/service"
)

func main() {
	uri := flag.String("uri", "PYRONAME:example.greeting", "the greeting object")
	name := flag.String("name", "Irmen", "your name")
	flag.Parse()
	if err := run(*uri, *name); err != nil {
		log.Fatal(err)
	}
}

func run(uri, name string) error {
	greeter, err := service.Connect(uri)
	if err != nil {
		return err
	}
	defer greeter.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fortune, err := service.Call[string](ctx, greeter, "get_fortune", name)
	if err != nil {
		return err
	}
	fmt.Println(fortune)
	return nil
}
