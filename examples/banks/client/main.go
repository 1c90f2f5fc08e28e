// A customer of every bank that the name server knows.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Print(err)
	}
}

func run(ctx context.Context) error {
	ns, err := nameserver.Locate(ctx, pyro.DialConfig{})
	if err != nil {
		return err
	}
	defer ns.Close()
	entries, err := ns.List(ctx, nameserver.Filter{Prefix: "example.banks."}) // sorted by name
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !slices.Contains(entry.Metadata, "bank") {
			continue
		}
		if err := visit(ctx, entry); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return nil
}

func visit(ctx context.Context, entry discovery.Entry) error {
	bank, err := service.Connect(entry.URI.String())
	if err != nil {
		return err
	}
	defer bank.Close()
	name, err := service.Call[string](ctx, bank, "name")
	if err != nil {
		return err
	}
	fmt.Printf("Irmen does business with the %s.\n", name)
	steps := []struct {
		method string
		args   []any
	}{
		{"create_account", []any{"Irmen"}},
		{"create_account", []any{"Irmen"}},
		{"deposit", []any{"Irmen", 700.75}},
		{"withdraw", []any{"Irmen", 400.0}},
		{"withdraw", []any{"Irmen", 400.0}},
		{"withdraw", []any{"Nobody", 400.0}},
	}
	for _, step := range steps {
		if err := report(service.Do(ctx, bank, step.method, step.args...)); err != nil {
			return err
		}
	}
	balance, err := service.Call[float64](ctx, bank, "balance", "Irmen")
	if err != nil {
		return err
	}
	fmt.Printf("  balance: %.2f\n", balance)
	return service.Do(ctx, bank, "delete_account", "Irmen")
}

// report prints what the bank objects to. What is wrong with the connection is no business of the bank's.
func report(err error) error {
	var e *transport.Error
	if !errors.As(err, &e) || !e.Remote {
		return err
	}
	switch e.Class {
	case "builtins.ValueError":
		fmt.Println("  refused:", e.Message)
	case "builtins.KeyError":
		fmt.Println("  not found:", e.Args[0]) // the text of a Python KeyError has quotes around it
	default:
		return err
	}
	return nil
}
