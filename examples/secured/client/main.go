// A client that says its token when it connects, and gives its calls a correlation id.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/service"
)

func main() {
	uri := flag.String("uri", "", "the object, as the server prints it")
	flag.Parse()
	if err := run(*uri, os.Getenv("EXAMPLE_TOKEN")); err != nil {
		log.Fatal(err)
	}
}

func run(uri, token string) error {
	p, err := service.Connect(uri, service.Use(
		timeout.New(5*time.Second),
		auth.Credential(token),
		correlation.New(),
	))
	if err != nil {
		return err
	}
	defer p.Close()
	id := uuid.New()
	ctx := correlation.NewContext(context.Background(), id)
	name, err := service.Call[string](ctx, p, "whoami")
	if err != nil {
		return err
	}
	fmt.Printf("the server knows me as %s; its log has %s\n", name, id)
	return nil
}
