// Package integration tests pyrokit against real Pyro4 and real Pyro5, in both directions: Python
// clients of Go servers and Go proxies of Python servers. Its README says how to run it.
//
// It has no code of its own and knows nothing of the wire: what is under test cannot be the judge. Where
// there is a choice, Python is: the same Python client calls a Go and a Python service, and has to see
// the same.
package integration
