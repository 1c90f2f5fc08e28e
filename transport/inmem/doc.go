// Package inmem joins a client and a server without sockets, for tests and examples. Everything is
// still encoded: the bytes are those that a network would carry.
//
//	l := inmem.Listen()
//	srv := service.NewServer(service.ListenOn(l))
//	p, err := service.Connect("PYRO:example@memory:1", service.DialWith(l.DialContext))
package inmem
