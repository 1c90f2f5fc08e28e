// Package anything has the destination for arguments that are only counted.
package anything

// A Value takes any value that is encoded, and keeps nothing of it: it is passed over, so that no class is converted.
type Value struct{}
