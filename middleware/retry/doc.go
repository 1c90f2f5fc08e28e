// Package retry repeats calls that failed in a way that makes repeating safe.
//
// It knows errors and time, not connections, dialects or codecs: that a request surely never left
// this process, it learns from transport.Error. It belongs into the chain of a client; a server that
// used it would run methods twice. One-way calls are never repeated.
//
// It stands outside of timeout, which then limits each attempt, and of breaker and ratelimit, whose refusals
// say how long to wait: a repetition waits as long, or is left out where that is longer than the policy waits.
//
// service.MaxRetries, which repeats whatever was called, does nothing on a proxy with this middleware: attempts of both
// would multiply, and run methods twice that this one leaves alone.
package retry
