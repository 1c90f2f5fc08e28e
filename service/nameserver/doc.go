// Package nameserver is the name server: what Pyro.NameServer does for Pyro4 and Pyro5 clients on the same port, on
// the storages of discovery/nameserver/storage, and beyond Python's: leases, watches, registrations that are checked
// in parallel, numbers and a log.
//
//	ns := nameserver.New(nameserver.Listen("tcp", "0.0.0.0:9090"), nameserver.Broadcast(":9091"))
//	err := ns.Run(ctx)
//
// Whoever has a server of their own adds [NameServer.Service] to it. docs/nameserver.md says what differs from
// Python's name servers.
//
// It knows names and the rules for them. How a call gets here is the business of service, where names lie that of the
// storage. Source of names, defaults and error texts: the Pyro5 manual, "Name Server", and Pyro4's.
package nameserver
