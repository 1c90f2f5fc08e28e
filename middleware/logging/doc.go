// Package logging writes calls and handshakes to a slog.Logger, on servers and proxies alike.
//
// A line is the end of a call: its object and method, how long it took, its code ("ok", "not_found"), the error if
// there is one, the peer and the correlation id, by which the lines of a chain of calls are found. The logger gets
// the call's context, so that a handler may add what is in it, such as the trace.
//
// Arguments, results and what is said in a handshake are never logged; arguments are if that is asked for, through
// a [Redactor].
//
// Where neither successes nor failures are logged, at the level that the logger has at that moment, a call costs
// the question.
package logging
