// Package concurrency bounds how many calls run at the same time, and how many wait for that.
//
// The limit is fixed, or it adapts to what the machine bears: it falls while calls take longer than they used
// to, and rises again (failsafe-go's adaptive limiter). A call that finds neither room nor a place in the queue,
// or that has waited too long, is refused: a Python caller sees a RuntimeError. Nothing of it was carried out.
//
// On a server the calls of one Python client run in order anyway, so the limit is one on how many clients are
// served at a time; a waiting call holds up the rest of its connection. On a client it bounds what this process
// asks of a peer. Pings, metadata and the end of a remote iterator pass without a place; an iterator takes
// one for each of its items while that is made. A method that calls back into its own server needs a second
// place for that: a limit that such methods can use up lets them wait for each other until their queue time
// is over.
package concurrency
