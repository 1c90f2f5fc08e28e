// Package correlation gives each call a correlation id and passes the caller's on, so that a chain of
// calls through several processes, Go and Python, can be followed.
//
// On a client it makes an id where neither the call nor its context has one. On a server the transport
// has made one already; the middleware hands it to the method's context, from which calls made in
// the method take it. Pyro carries the id in the annotation CORR (Pyro4) or in the header (Pyro5).
package correlation
