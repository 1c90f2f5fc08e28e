// Package literal reads and prints Python literals for people: what they type as an argument or paste
// from a Python session, and what they want to see of a result.
//
// [Parse] reads what Python's ast.literal_eval reads, and beyond it the names and calls that Python's own
// repr prints for values of package codec: nan, inf, set(), frozenset({1}), datetime.date(2020, 2, 29),
// Decimal('1.5') and so on. The names come from a fixed table, and nothing is ever called. Errors say
// line, column and what was expected there.
//
// [String] and [Append] print a value as Python's repr does, on one line. [Format] breaks what is too wide
// into lines, in the manner of Python's pprint. For every value that Parse can return, Parse gives back
// what String printed. What Python has no literal for is printed for the eye only: an instance of a
// class as Class(attr=1), a numpy array as array([[1, 2], [3, 4]], dtype='<u2').
//
// Where repr and literal_eval disagree, repr counts. Python prints complex(0, -4) as -4j, and reads -4j
// with a real part of -0.0; the signs of a complex number are read here as they were printed, those of
// zeros included. Line ends and blanks around the whole value do not matter.
//
// Between programs, use a serializer: codec/serpent has the same syntax, and is faster.
package literal
