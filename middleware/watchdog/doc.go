// Package watchdog logs a call that runs longer than its method's limit, once, while it runs, with the stack of its
// goroutine: where it hangs. It ends nothing; that is for timeout.
//
// The stack is that of the goroutine that carries the call out, on a client of the one that makes it, and of those
// that it has started with the call's work. They are found by a pprof label, [Label], which
// goroutine profiles show, too.
//
// Calls of methods without a limit cost the look at the limits, others a timer and a label. No goroutine waits.
package watchdog
