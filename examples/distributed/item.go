// Package distributed has what workers and clients of this example know of an item, and the dispatcher does not.
package distributed

import (
	"errors"

	"github.com/pyrokit/pyrokit/transport"
)

// An Item is a number to be factorized: a dict in Python.
type Item struct {
	ID          int    `pyro:"id"`
	Number      int    `pyro:"number"`
	Factors     []int  `pyro:"factors"`
	ProcessedBy string `pyro:"processed_by"`
}

// Factorize returns the prime factors of n, from the smallest on.
func Factorize(n int) []int {
	var factors []int
	for p := 2; p*p <= n; p++ {
		for n%p == 0 {
			factors, n = append(factors, p), n/p
		}
	}
	if n > 1 {
		factors = append(factors, n)
	}
	return factors
}

// Empty reports whether err says that there was nothing in the queue in time.
func Empty(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && e.Remote && e.Class == "builtins.ValueError"
}
