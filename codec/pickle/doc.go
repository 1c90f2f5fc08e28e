// Package pickle reads and writes Python's pickles as data.
package pickle
