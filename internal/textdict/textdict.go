// Package textdict has a dict of texts that is made to be written once: the answer of a name server may have many
// thousand names, and codec.Dict has a pointer and an allocation for each of them.
package textdict

// A Dict is a dict whose keys and values are texts, in order. No key may stand in it twice.
type Dict []Entry

// An Entry is a key and its value.
type Entry struct{ Key, Value string }
