// Package middleware is the parent of the middlewares, one package a concern. Each makes a
// [github.com/pyrokit/pyrokit/transport.Middleware], which is used on a server and a proxy alike:
//
//	service.NewServer(service.Use(recovery.New(), correlation.New(), auth.Verify(...)))
//	service.Connect(uri, service.Use(timeout.New(2*time.Second), retry.New(...)))
//
// The first middleware of a chain is the outermost. Each package says what it does at which end.
//
// Here stands what they share, for middlewares of one's own, too: the [Pattern] that rules name calls by, the
// [Refusal] of a call that was not let through, and for those that are made from configuration the [Env] around
// them and the [Fields] of their messages. A middleware from configuration is a message, a function FromConfig that
// makes it, and a line in the registry of service/config.
package middleware
