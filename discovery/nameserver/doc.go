// Package nameserver is the client of the Pyro name server, of either dialect. A [Locator] finds the name server of a
// network as Pyro does; a [Client] has its methods; a [Resolver] and [Registrar] find it when they are used, and
// again when it is gone.
//
// What a name server keeps its entries in are the storages below; its own object is service/nameserver.
package nameserver
