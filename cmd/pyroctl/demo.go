package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	names "github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const demoName = "demo.shop"

type demoOptions struct{ keep bool }

func newDemoCmd(f *factory, run func(context.Context, *factory, *demoOptions) error) *cobra.Command {
	opts := &demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what this is about, with no set-up",
		Long: `Starts a name server and a service on free ports, and calls the service the way a Pyro4 and a Pyro5
program would, over real connections. It needs neither Python nor a network.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f, opts) },
	}
	cmd.Flags().BoolVar(&opts.keep, "keep", false, "keep name server and service running, to be tried from Python")
	return cmd
}

// A shop is the service of the demonstration.
type shop struct {
	mu    sync.Mutex // guards what follows
	open  bool
	stock map[string]int
}

// A receipt travels as a dict.
type receipt struct {
	Item  string  `pyro:"item"`
	Count int     `pyro:"count"`
	Total float64 `pyro:"total"`
}

var shopPrices = []struct {
	item  string
	price float64
}{{"tea", 2.5}, {"milk", 1.2}, {"sugar", 0.8}}

func (s *shop) service() *service.Service {
	svc := service.New(demoName)
	svc.Method("buy", s.buy, service.Params("item", service.Default("count", 1)))
	svc.Method("prices", s.prices)
	svc.Method("restock", s.restock, service.Oneway(), service.Params("item", "count"))
	svc.Property("open", s.isOpen, s.setOpen)
	return svc
}

func (s *shop) buy(item string, count int) (*receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range shopPrices {
		if p.item != item {
			continue
		}
		if s.stock[item] < count {
			return nil, transport.NewError("ValueError", fmt.Sprintf("only %d %s left", s.stock[item], item))
		}
		s.stock[item] -= count
		return &receipt{item, count, p.price * float64(count)}, nil
	}
	return nil, transport.NewError("ValueError", "the shop has no "+item)
}

// prices is a remote iterator: callers fetch one price after the other.
func (s *shop) prices() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, p := range shopPrices {
			if !yield(p.item, p.price) {
				return
			}
		}
	}
}

func (s *shop) restock(item string, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stock[item] += count
}

func (s *shop) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *shop) setOpen(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

func demo(ctx context.Context, f *factory, opts *demoOptions) (err error) {
	nsURI, stopNS, err := demoNameServer(ctx, f)
	if err != nil {
		return err
	}
	defer stopNS(&err)
	shopURI, stopShop, err := demoShop(ctx, f, nsURI)
	if err != nil {
		return err
	}
	defer stopShop(&err)
	d := &demonstration{f: f, uri: "PYRONAME:" + demoName + "@" + nsURI.Location()}
	for _, dialect := range [...]codec.Dialect{codec.Pyro4, codec.Pyro5} {
		if err := d.visit(ctx, dialect); err != nil {
			return err
		}
	}
	if err := d.print(nsURI, shopURI, opts.keep); err != nil {
		return err
	}
	if opts.keep {
		fmt.Fprintf(f.io.out, "READY ns %s\nREADY demo %s\n", nsURI, shopURI)
		<-ctx.Done()
	}
	return nil
}

// stopper stops a server; what goes wrong with that becomes *err unless there is one already.
type stopper func(err *error)

func stopServer(ctx context.Context, srv *service.Server) stopper {
	return func(err *error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if failed := srv.Shutdown(ctx); failed != nil && *err == nil {
			*err = failed
		}
	}
}

func demoNameServer(ctx context.Context, f *factory) (pyro.URI, stopper, error) {
	ns := nameserver.New(nameserver.Logger(f.log))
	srv := service.NewServer(service.Logger(f.log))
	if err := srv.Add(ns.Service()); err != nil {
		return pyro.URI{}, nil, err
	}
	if err := srv.Start(); err != nil { //nolint:contextcheck // it is stopped by the stopper
		return pyro.URI{}, nil, err
	}
	uri := srv.URI(nameserver.ObjectName)
	if err := ns.RegisterSelf(uri); err != nil {
		return pyro.URI{}, nil, err
	}
	return uri, stopServer(ctx, srv), nil
}

func demoShop(ctx context.Context, f *factory, nsURI pyro.URI) (pyro.URI, stopper, error) {
	s := &shop{open: true, stock: map[string]int{"tea": 5, "milk": 3, "sugar": 1}}
	srv := service.NewServer(service.Logger(f.log))
	if err := srv.Add(s.service()); err != nil {
		return pyro.URI{}, nil, err
	}
	if err := srv.Start(); err != nil { //nolint:contextcheck // it is stopped by the stopper
		return pyro.URI{}, nil, err
	}
	uri, stop := srv.URI(demoName), stopServer(ctx, srv)
	// A program that may start before its name server would use service.Announce.
	registrar := names.Registrar(pyro.DialConfig{}, nsURI.Location())
	if err := registrar.Register(ctx, discovery.Entry{Name: demoName, URI: uri}); err != nil {
		stop(&err)
		return pyro.URI{}, nil, err
	}
	return uri, stop, nil
}

// A demonstration remembers what was done, to be told for people or for programs.
type demonstration struct {
	f      *factory
	uri    string
	visits []any // documents
	story  strings.Builder
}

// visit calls everything that the shop has, in one dialect.
func (d *demonstration) visit(ctx context.Context, dialect codec.Dialect) error {
	p, err := service.Connect(d.uri, service.Dialect(dialect), service.ConnectTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Fprintf(&d.story, "A client that speaks %s looks the name up and calls:\n", titles[dialect])
	v := &visit{story: &d.story, calls: []any{}}
	v.returned("shop.buy('tea', count=2)", "a method; the struct it returns is a dict to Python")(
		service.Call[any](ctx, p, "buy", "tea", service.Kwargs{"count": 2}))
	v.returned("for price in shop.prices()", "a remote iterator, fetched item by item")(collect(ctx, p, "prices"))
	v.returned("shop.open", "an attribute")(service.Get[any](ctx, p, "open"))
	v.returned("shop.restock('tea', 2)", "one-way: nobody waits for it")(nil, service.Do(ctx, p, "restock", "tea", 2))
	v.raised("shop.buy('coffee')")(service.Call[any](ctx, p, "buy", "coffee"))
	d.story.WriteByte('\n')
	d.visits = append(d.visits, codec.NewDict("dialect", dialect.String(), "calls", v.calls))
	return v.err
}

var titles = map[codec.Dialect]string{codec.Pyro4: "Pyro4", codec.Pyro5: "Pyro5"}

func collect(ctx context.Context, p *service.Proxy, method string) (any, error) {
	items := []any{}
	for item, err := range service.Stream[any](ctx, p, method) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// A visit is what one client did. err is the first thing that did not go as it should.
type visit struct {
	story *strings.Builder
	calls []any
	err   error
}

func (v *visit) returned(what, why string) func(any, error) {
	return func(value any, err error) {
		if err != nil {
			v.fail(err)
			return
		}
		fmt.Fprintf(v.story, "  %-28s -> %s\n  %28s    (%s)\n", what, valuePrinter{}.text(value), "", why)
		v.calls = append(v.calls, codec.NewDict("call", what, "result", value))
	}
}

func (v *visit) raised(what string) func(any, error) {
	return func(_ any, err error) {
		e := transport.AsError(err)
		if e == nil || !e.Remote {
			v.fail(fmt.Errorf("%s should have raised, but gave: %w", what, err))
			return
		}
		class := strings.TrimPrefix(e.Class, "builtins.")
		fmt.Fprintf(v.story, "  %-28s raises %s: %s\n", what, class, e.Message)
		for line := range strings.Lines(tracebackText(e.Traceback)) {
			v.story.WriteString("    " + line)
		}
		v.calls = append(v.calls, codec.NewDict("call", what, "class", e.Class, "message", e.Message,
			"traceback", strings.Join(e.Traceback, "")))
	}
}

func (v *visit) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

func (d *demonstration) print(nsURI, shopURI pyro.URI, keep bool) error {
	python := []string{
		"import Pyro5.api  # or: import Pyro4, and Pyro4.Proxy",
		`shop = Pyro5.api.Proxy("` + d.uri + `")`,
		`print(shop.buy("tea"), list(shop.prices()))`,
	}
	doc := codec.NewDict("name_server", nsURI.String(), "service", shopURI.String(), "clients", d.visits, "python", python)
	return d.f.printDocument(doc, func(w io.Writer) {
		fmt.Fprintf(w, "A name server runs:\n  %s\n", nsURI)
		fmt.Fprintf(w, "A service, written in Go, runs and has registered its name:\n  %s\n\n", shopURI)
		fmt.Fprint(w, d.story.String())
		fmt.Fprintf(w, "Both were served on the same port. From Python it is\n")
		for _, line := range python {
			fmt.Fprintf(w, "  %s\n", line)
		}
		if !keep {
			fmt.Fprintf(w, "while both are running: pyroctl demo --keep\n")
		}
	})
}
