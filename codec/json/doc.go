// Package json writes and reads JSON as Python's json module does.
//
// It differs from encoding/json where Python does: NaN and the infinities are written and read,
// numbers keep their kind (1 is an int, 1.0 a float) and ints their digits, text is written as it is but
// for what JSON itself forbids, keys that are numbers, bools or None become text, and a class dict is
// an instance. Tuples and sets become arrays. Bytes and complex numbers cannot be written, as in
// Python.
//
// Dates, times, decimals and UUIDs are written as text and arrays as lists, as Pyro does. Nothing that is
// read points into the input, whatever codec.Options.ShareInput says: JSON has no bytes.
//
// A str may hold lone surrogates: in a Go string they are the three bytes that UTF-8 would have for
// them if it allowed them. They are written as escapes, which Python reads but does not write. Nesting
// is limited to codec.Options.MaxDepth, which Python's json does not know.
package json
