// Package retry repeats calls that failed in a way that makes repeating safe.
//
// It knows errors and time, not connections, dialects or codecs: that a request surely never left
// this process, it learns from transport.Error. It belongs into the chain of a client; a server that
// used it would run methods twice. One-way calls are never repeated.
//
// It stands outside of timeout, which then limits each attempt, and of breaker and ratelimit, whose refusals
// say how long to wait: a repetition waits as long, or is left out where that is longer than the policy waits.
//
// service.MaxRetries repeats inside of the chain: with both, each attempt of this package is several. Use one
// of them, and this one where some methods must not run twice.
package retry
