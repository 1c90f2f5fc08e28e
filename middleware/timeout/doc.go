// Package timeout gives each call a deadline: one for all, or by method.
//
// On a client a call that takes longer ends with an error that matches transport.ErrTimeout; the
// connection stays. On a server the context of the method ends then; a method that returns its
// context's error is seen as a TimeoutError in Python. Items of a remote iterator are calls of their
// own, each with its own deadline: that of the method that made it.
package timeout
