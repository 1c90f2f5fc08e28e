package tracing

import (
	"encoding/hex"

	"go.opentelemetry.io/otel/trace"

	"github.com/pyrokit/pyrokit/transport"
)

// Key is the annotation that the caller's span travels in, as a W3C traceparent of 55 bytes:
//
//	00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//
// https://www.w3.org/TR/trace-context/#traceparent-header. A tracestate does not go along.
const Key = "OTEL"

// parentSize is the length of a traceparent; maxParent is what one of a later version may have.
const (
	parentSize = 55
	maxParent  = 128
)

// appendParent appends s as a traceparent.
func appendParent(b []byte, s trace.SpanContext) []byte {
	traceID, spanID := s.TraceID(), s.SpanID()
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, traceID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, spanID[:])
	b = append(b, '-')
	return hex.AppendEncode(b, []byte{byte(s.TraceFlags() & known)})
}

// known are the flags that the format defines.
const known = trace.FlagsSampled | trace.FlagsRandom

// parseParent reads a traceparent. What is none gives an invalid context, as if nothing had come.
func parseParent(b []byte) trace.SpanContext {
	var none trace.SpanContext
	if len(b) < parentSize || len(b) > maxParent || b[2] != '-' || b[35] != '-' || b[52] != '-' {
		return none
	}
	var version, flags [1]byte
	var c trace.SpanContextConfig
	if !lowerHex(version[:], b[:2]) || !lowerHex(c.TraceID[:], b[3:35]) ||
		!lowerHex(c.SpanID[:], b[36:52]) || !lowerHex(flags[:], b[53:55]) {
		return none
	}
	if version[0] == 0xff || version[0] == 0 && len(b) != parentSize || len(b) > parentSize && b[parentSize] != '-' {
		return none
	}
	c.TraceFlags = trace.TraceFlags(flags[0]) & known
	c.Remote = true
	return trace.NewSpanContext(c)
}

// lowerHex decodes src, whose digits the format has in lower case only.
func lowerHex(dst, src []byte) bool {
	for _, ch := range src {
		if 'A' <= ch && ch <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

// callers returns the span that a call came from, invalid if it tells none.
func callers(call *transport.Call) trace.SpanContext {
	v, ok := call.Header.Annotations.Get(Key)
	if !ok {
		return trace.SpanContext{}
	}
	return parseParent(v)
}
