// Package serpent writes and reads the format of Python's serpent library: Python literals as text.
// It is the serializer that Pyro uses by default.
//
// What is written can be read by every serpent there is, Java and .NET included: no escapes beyond
// \xNN, \uNNNN and \UNNNNNNNN for what cannot be printed, no split strings. Bytes go out as the
// dict {'data': base64, 'encoding': 'base64'}, an empty set as an empty tuple, a frozenset as a set, NaN
// as an instance of class float, and what serpent has no form for as Python's does: times, dates,
// decimals and UUIDs as text, arrays as lists. Bytes in a key of a dict or a member of a set go out as a
// literal b'...', because there nobody could read a dict. Complex numbers with NaN are refused.
//
// What is read is all that Python's literal_eval accepts, comments, triple quotes and complex numbers
// included, and nothing else. The differences are these: Ellipsis is refused; bytes in a key are read
// in the form that Python's serpent writes, too, although Python cannot read it; the sign of an
// imaginary zero is kept, as in Python from 3.14 on; \N{...} knows the names of Unicode 15 and the
// aliases of Unicode 14; and of a value that is skipped, because a struct has no field for it, only
// brackets and tokens are checked.
//
// A str may hold lone surrogates. In a Go string they are the three bytes that UTF-8 would have for
// them if it allowed them (as in WTF-8), and are written as '\ud800' again. Other bytes that are not
// UTF-8 cannot be written. Two surrogates that follow each other stay two, as in Python; Java's serpent
// writes each character beyond U+FFFF so.
//
// Nothing that is read points into the input, whatever codec.Options.ShareInput says: it is text, and
// bytes have another form in it.
//
// The package knows text and Python's rules for it; Go types are the business of codec/internal/bind.
package serpent
