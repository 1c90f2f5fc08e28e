package middleware

import (
	"fmt"
	"math"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// Attributes of a refusal.
const (
	attrCode       = "code"        // the code's name
	attrRetryAfter = "retry_after" // when to come back, in seconds
)

// Refusal returns the error of a call that was not let through: nothing of it has been carried out. wait is
// how long the caller had better stay away; 0 says nothing about that. A Python caller sees a RuntimeError
// whose attribute code holds the code's name and retry_after the seconds, a Go caller reads them with
// [CodeOf] and [RetryAfter].
func Refusal(code transport.Code, wait time.Duration, text string) *transport.Error {
	e := transport.Errorf(code, "%s", text)
	e.NotSent = true
	e.Attrs = map[string]any{attrCode: code.String()}
	if wait > 0 {
		wait = roundUp(wait)
		e.Message = fmt.Sprintf("%s: try again in %s", text, wait)
		e.Attrs[attrRetryAfter] = wait.Seconds()
	}
	return e
}

// roundUp keeps about two digits, as people read times.
func roundUp(d time.Duration) time.Duration {
	unit := time.Millisecond
	if d > 10*time.Second {
		unit = time.Second
	}
	if d > math.MaxInt64-unit {
		return d
	}
	return (d + unit - 1).Truncate(unit)
}

// CodeOf returns the code of err: of a peer's refusal the one that it was made with, which its class does not
// tell. It is 0 for nil.
func CodeOf(err error) transport.Code {
	e := transport.AsError(err)
	if e == nil {
		return 0
	}
	if e.Remote {
		for _, code := range [...]transport.Code{transport.CodeResourceExhausted, transport.CodeUnavailable} {
			if e.Attrs[attrCode] == code.String() {
				return code
			}
		}
	}
	return e.Code
}

// RetryAfter returns how long a refused caller was told to stay away, and whether err is such a refusal, made
// on this side or by the peer.
func RetryAfter(err error) (time.Duration, bool) {
	e := transport.AsError(err)
	if e == nil {
		return 0, false
	}
	seconds, ok := e.Attrs[attrRetryAfter].(float64)
	if !ok || seconds <= 0 || seconds >= math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}
