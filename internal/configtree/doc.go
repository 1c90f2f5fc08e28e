// Package configtree reads YAML, JSON and textproto into one tree whose nodes know where they stand.
//
// It knows text and its structure: keys that occur twice, depth, size. What a key means, and of what type a value has to
// be, it does not know.
package configtree
