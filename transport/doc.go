// Package transport holds the words that everything above the wire shares: a [Call] and its [Reply],
// the [Endpoint] that answers it, the [Middleware] that wraps an endpoint on either side, the [Peer]
// at the other end, and the [Error] that goes through all of them.
//
// A method finds the call that it answers with [FromContext]. It raises exceptions with [NewError], and a Go
// type of errors stands for a class of them with [RegisterException].
//
// It knows no bytes: encoding and connections are the business of transport/pyro, functions and
// objects that of service. Python's exceptions are converted here, because an Error is one.
package transport
