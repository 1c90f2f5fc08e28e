// Package storage is what a name server keeps its names in. [Storage] is what all kinds have in common, [Memory]
// the one that lasts as long as its process, and the index of others. The kinds that need more than the
// standard library are packages of their own (storage/sqlite, storage/dbm).
//
// It knows names, URIs as text and tags; objects, dialects and the rules of a name server are the business of
// service/nameserver.
package storage
