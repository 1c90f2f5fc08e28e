// Package recovery decides what callers and the log get to see of a method that panicked.
//
// A server survives a panic without it: dispatch itself recovers, callers then see a RuntimeError
// "internal error". On a client it guards the caller against panics of the middlewares inside it.
package recovery
