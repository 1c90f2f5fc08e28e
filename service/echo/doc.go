// Package echo is the echo server that Pyro4 and Pyro5 bring for tests, as a service: the same methods under the same
// name, so that what was tried with theirs can be tried with this one.
package echo
