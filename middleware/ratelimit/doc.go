// Package ratelimit bounds how many calls a second go through: token buckets
// (golang.org/x/time/rate) by principal, object and method.
//
// On a server it refuses what is too much: a Python caller sees a RuntimeError that says how long to wait,
// also in its attribute retry_after (seconds). A one-way call that is refused is dropped: nobody waits for
// the answer. On a client, [Wait] has calls wait for their turn instead.
//
// It belongs inside auth, which says who the principal is. Pings, metadata and the end of a remote iterator
// are never refused; each item of an iterator and each entry of a batch is a call of its own, on a client a
// batch takes as many tokens as it has entries that a rule fits.
package ratelimit
