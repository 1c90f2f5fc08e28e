// Package serpent writes and reads the format of Python's serpent library: Python literals as text.
// It is the serializer that Pyro uses by default.
//
// What is written can be read by every serpent there is, Java and .NET included: no escapes beyond
// \xNN, \uNNNN and \UNNNNNNNN for what cannot be printed, no split strings. Bytes go out as the
// dict {'data': base64, 'encoding': 'base64'}, an empty set as an empty tuple, NaN as an instance of
// class float: the format has nothing else for them.
//
// What is read is all that Python's literal_eval accepts, comments, triple quotes and complex numbers
// included, and nothing else. There are two differences: Ellipsis is refused, because Go has no such
// value; and of a value that is skipped, because a struct has no field for it, only brackets and tokens
// are checked.
//
// A str may hold lone surrogates. In a Go string they are the three bytes that UTF-8 would have for
// them if it allowed them (as in WTF-8), and are written as '\ud800' again. Other bytes that are not
// UTF-8 cannot be written.
//
// The package knows text and Python's rules for it; Go types are the business of codec/internal/bind.
package serpent
