package main

import (
	"context"
	"net"
	"testing"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// TestRequestsForNames has the name server answer each kind of request in both dialects: exceptions are quick, too.
func TestRequestsForNames(t *testing.T) {
	s := storage.NewMemory()
	if err := fill(s, 100); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ns := nameserver.New(nameserver.Storage(s), nameserver.ListenOn(listener))
	if err := ns.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ns.Shutdown(context.Background()) }()
	for i, dialect := range []string{"Pyro4", "Pyro5"} {
		c, err := dialNames(dialect, listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, r := range allRequests {
			if err := c.ask(c.requestFor(r, 100, i, int(r))); err != nil {
				t.Errorf("%s: %d: %v", dialect, r, err)
			}
		}
		if err := c.ask(c.frame(invokeMessage, "('Pyro.NameServer','lookup',('nobody',),{})")); err == nil {
			t.Error("an exception is no error")
		}
	}
	// Its own name, too.
	if n, _ := s.Len(t.Context()); n != 100+1+2 {
		t.Errorf("%d names", n)
	}
}
