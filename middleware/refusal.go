package middleware

import (
	"fmt"
	"math"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// attrRetryAfter is the attribute of a refusal that says in seconds when to come back.
const attrRetryAfter = "retry_after"

// Refusal returns the error of a call that was not let through: nothing of it has been carried out. wait is
// how long the caller had better stay away; 0 says nothing about that. A Python caller sees a RuntimeError
// whose attribute retry_after holds the seconds, a Go caller reads them with [RetryAfter].
func Refusal(code transport.Code, wait time.Duration, text string) *transport.Error {
	e := transport.Errorf(code, "%s", text)
	e.NotSent = true
	if wait > 0 {
		wait = roundUp(wait)
		e.Message = fmt.Sprintf("%s: try again in %s", text, wait)
		e.Attrs = map[string]any{attrRetryAfter: wait.Seconds()}
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

// RetryAfter returns how long a refused caller was told to stay away, and whether err is such a refusal, made
// on this side or by the peer.
func RetryAfter(err error) (time.Duration, bool) {
	e := transport.AsError(err)
	if e == nil {
		return 0, false
	}
	seconds, ok := e.Attrs[attrRetryAfter].(float64)
	if !ok || seconds <= 0 || seconds > math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}
