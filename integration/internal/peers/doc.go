// Package peers runs real Python programs for tests and benchmarks: services and clients of Pyro4
// and Pyro5 (the scripts in integration/peers) and Pyro's own name and echo servers; and the Java program
// of integration/pyrolite.
//
// It knows processes and the lines they print, and nothing of the wire: what is under test cannot
// help to test itself. A process and everything it started ends with its Stop, with the test it was
// made for, and, should the test program die, by itself.
package peers
