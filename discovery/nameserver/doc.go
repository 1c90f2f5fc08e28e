// Package nameserver is the client of the Pyro name server, of either dialect, and the storages that
// a name server keeps its entries in. [Locate] finds the name server of a network as Pyro does.
//
// The name server's own object is service/nameserver.
package nameserver
