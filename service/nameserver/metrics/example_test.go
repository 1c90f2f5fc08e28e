package metrics_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/service/nameserver/metrics"
)

func ExampleServe() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(slog.New(slog.DiscardHandler)))
	if err := ns.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = ns.Shutdown(ctx) }()
	at, err := metrics.Serve(ctx, "127.0.0.1:0", ns)
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.String()+"/metrics", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "pyro_nameserver_entries ") || strings.Contains(line, `call_seconds_count{method="lookup"}`) {
			fmt.Print(line)
		}
	}
	fmt.Println(err)
	// Output:
	// pyro_nameserver_call_seconds_count{method="lookup"} 0
	// pyro_nameserver_entries 1
	// <nil>
}
