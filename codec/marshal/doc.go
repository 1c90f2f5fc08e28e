// Package marshal writes and reads the data of Python's marshal format: None, bool, int, float,
// complex, str, bytes, tuple, list, dict, set and frozenset.
//
// It writes only what every version of the format since 2 has: no references, no short forms. It reads
// versions 0 to 4, with references and interned strings of all forms. Code objects, and what else only
// an interpreter can use, are refused; so are containers that hold themselves, a null object in the
// place of a value, and references that would make the data very much larger than it is. As in
// Python, bytes after the value are ignored.
//
// Python's Pyro turns only the topmost value of a marshal message into a class dict, or each argument
// of a call. This package writes instances at any depth, which its readers convert as well. Text with
// lone surrogates is kept as the three bytes that UTF-8 would have for each if it allowed them, which is
// how marshal itself has them.
package marshal
