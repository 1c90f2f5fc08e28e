package program_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config/program"
)

// A program of one's own: the file says where and how, the code what.
func Example() {
	if err := serveQuotes(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// READY server
	// 4200 <nil>
	// the proxy of the configuration: 4200 <nil>
}

const quotesConfiguration = `
log: {level: warn}
server:
  listeners: [{network: unix, address: "${QUOTES_SOCKET}"}]
  chain: [recovery, correlation, {timeout: {default: 5s}}]
proxies:
  quotes: {uri: "PYRO:example.quotes@./u:${QUOTES_SOCKET}", timeout: 2s, chain: [correlation]}
`

func serveQuotes() error {
	dir, err := os.MkdirTemp("", "quotes")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("QUOTES_SOCKET", filepath.Join(dir, "quotes.sock")); err != nil {
		return err
	}
	file := filepath.Join(dir, "quotes.yaml")
	if err := os.WriteFile(file, []byte(quotesConfiguration), 0o600); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext, outside of examples
	ready := make(chan struct{})
	p, err := program.New([]string{file}, program.OnReady(func(at []program.Address) {
		fmt.Println("READY", at[0].What)
		close(ready)
	}))
	if err != nil {
		stop()
		return err
	}
	quotes := service.New("example.quotes").Method("price", func(item string) int { return 42 * len(item) * 25 })
	if err := p.Server().Add(quotes); err != nil {
		stop()
		return err
	}
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	defer func() { <-ended }()
	defer stop()
	<-ready

	direct, err := service.Connect(p.Server().URI("example.quotes").String())
	if err != nil {
		return err
	}
	defer direct.Close()
	fmt.Println(service.Call[int](ctx, direct, "price", "tea!"))
	configured, err := p.Proxy("quotes")
	if err != nil {
		return err
	}
	price, err := service.Call[int](ctx, configured, "price", "tea!")
	fmt.Println("the proxy of the configuration:", price, err)
	return nil
}
