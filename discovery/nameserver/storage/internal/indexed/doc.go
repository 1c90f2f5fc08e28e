// Package indexed makes a storage of a file: an index in memory answers what is read, and one goroutine writes. It
// gathers what waits into one transaction, so that one flush to the disk serves many writers.
//
// It knows transactions and records, not what a file looks like.
package indexed
