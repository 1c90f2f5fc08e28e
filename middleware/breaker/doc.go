// Package breaker stops asking a peer that does not answer: a circuit breaker (failsafe-go's) for each object,
// or each of its methods.
//
// It belongs into the chain of a client, inside retry. While a breaker is closed, calls go through and those
// that fail are counted; after too many of them it opens, and calls are refused at once, with an error that
// matches transport.ErrUnavailable, says NotSent, and how long to wait. After that time it is half open: a few
// calls are let through to probe. If they succeed it closes; if one fails it opens again.
//
// What counts as a failure is decided by the error's code. An error of another code is an answer, so it counts
// as a success; a call that its caller gave up counts as neither, unless it was a probe.
//
// Each proxy has breakers of its own, also where one Middleware is used for several. Pings, metadata, items and
// ends of iterators pass without being counted; a batch is one call of its object.
package breaker
