// Package marshal writes and reads the data of Python's marshal format: None, bool, int, float,
// complex, str, bytes, tuple, list, dict, set and frozenset.
//
// It writes version 2 of the format plus nothing, which every Python reads: no references, no short
// forms. It reads versions 0 to 4, with references and interned strings of all forms. Code objects,
// and what else only an interpreter can use, are refused; so are containers that hold themselves.
// As in Python, bytes after the value are ignored.
//
// Python's Pyro turns only the topmost value of a marshal message into a class dict, or each argument
// of a call. This package writes instances at any depth, as its readers accept them.
package marshal
