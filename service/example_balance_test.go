package service_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
)

// Two servers with the same object, and one proxy of both. The directory is usually a name server, where
// AnnounceInstance has put the entries.
func ExampleBalance() {
	ctx := context.Background()
	var entries []discovery.Entry
	for _, host := range []string{"left", "right"} {
		srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
		err := srv.Add(service.New("greeting").Method("greet", func() string { return "Hello from the " + host }))
		if err == nil {
			err = srv.Start()
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = srv.Shutdown(ctx) }()
		entries = append(entries, discovery.Instance(discovery.Entry{Name: "greeting", URI: srv.URI("greeting")}, host))
	}

	p, err := service.Connect("PYRONAME:greeting",
		service.Resolver(discovery.Static(entries...)), service.Balance(discovery.RoundRobin()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for range 3 {
		fmt.Println(service.Call[string](ctx, p, "greet"))
	}
	// Output:
	// Hello from the left <nil>
	// Hello from the right <nil>
	// Hello from the left <nil>
}
