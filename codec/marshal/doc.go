// Package marshal writes and reads the data of Python's marshal format: None, bool, int, float,
// complex, str, bytes, tuple, list, dict, set, frozenset, and the two globals that it knows, Ellipsis
// and the class StopIteration, which are a codec.Global here.
//
// It writes only what every version of the format since 2 has: no references, no short forms. It reads
// versions 0 to 4, with references and interned strings of all forms, and of version 5 (Python 3.14)
// slices of ints, as the codec.Object that pickle has for them; they are not written, because older
// Pythons do not read them. Code objects, and what else only an interpreter can use, are refused; so
// are containers that hold themselves, a null object in the place of a value, and references that
// would make the data very much larger than it is. As in Python, bytes after the value are ignored.
//
// Sets within the keys of dicts and the members of sets are written as frozensets, and what Python
// cannot hash is refused there. Dates, times, decimals and UUIDs are written as text, for which marshal
// has nothing else.
//
// Python's Pyro makes class dicts only of the topmost value of a marshal message, or of each argument
// of a call. This package writes instances at any depth; Pyro turns them back at any depth, but, as with
// all its serializers, not those within the attributes of another one. Text with lone surrogates is kept
// as the three bytes that UTF-8 would have for each if it allowed them, which is how marshal itself has
// them.
//
// With codec.Options.ShareInput, bytes are not copied: they point into the message.
package marshal
