// Package tracing makes OpenTelemetry spans of calls, by the semantic conventions for RPC, and joins those of both
// ends to one trace.
//
// The client's span travels as a W3C traceparent in the annotation [Key], which either dialect lets through; a
// server, of this toolkit or a Python program that reads the annotation, goes on from there. Python passes an
// annotation that it got on to the calls that it makes, so that a trace also goes through Python programs that know
// nothing of it.
//
// Nothing is taken from global providers, and none are set.
package tracing
