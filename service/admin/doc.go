// Package admin is an HTTP listener for those who run a program: it tells whether the program lives (/healthz) and may be
// called (/readyz), what it counts (/metrics), what it is set up with (/configz) and where its time and memory go
// (/debug/pprof).
//
// It is for this machine unless [Config.AllowRemote] is set, and its profiles are for this machine in any case: requests
// that a proxy passes on, or that a web page has a browser of this machine send, are refused.
//
// It knows HTTP and what it is told to ask; it knows no servers and no configurations.
package admin
