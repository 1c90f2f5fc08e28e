// Package codec holds the values that travel in Pyro messages and the interface of the serializers
// that write and read them.
//
// A serializer lives in a package of its own (codec/serpent, codec/json, codec/marshal) and
// implements [Codec]. What Python has and Go has not, tuples, sets, dicts with any key and
// instances of classes, has a type here. Classes are converted by a [Registry].
//
// The package knows values only: no connection, no message and no dialect beyond the class names
// that differ between Pyro4 and Pyro5.
package codec
