// Package msgpack writes and reads msgpack as Pyro uses it: the format with str and bin told apart, and
// Pyro's extension types.
//
// # Writing
//
// Values take the shortest form, byte for byte what Python's msgpack packs; a float has 64 bits. Tuples
// and sets are arrays, as in Python. What msgpack has no type for:
//
//   - ints beyond 64 bits are extension 0x31, up to the 4300 digits that Python reads;
//   - complex numbers are extension 0x30;
//   - a time.Time in [codec.Naive] is extension 0x32, which holds the seconds since the epoch at which
//     clocks in the local time zone of this process show that time; one that clocks show twice is the first
//     of the two, one that they pass over is moved on, as in Python;
//   - a [codec.Date] is extension 0x33;
//   - any other time.Time is text in ISO 8601. Python refuses to pack a datetime with a time zone, so that
//     a peer there reads a str;
//   - decimals, UUIDs and times of day are text, durations floats of seconds.
//
// Python's msgpack packs a dict with keys of any type but reads only str and bytes, so that nobody there could
// read others: they are refused here, unless [codec.Options.Lenient] is set.
//
// # Reading
//
// All forms of the format are read. Extension 0x32 becomes the time that clocks in the local time zone of
// this process show then, in codec.Naive, as in Python: peers in different time zones see different
// times. Its microseconds are as exact as a float64 is. A timestamp, which is extension -1, becomes a time.Time
// in UTC; Python's Pyro leaves it an object of the msgpack library. Destinations of other types see times and
// dates as text. Other extensions are refused.
//
// As in Python, text must be UTF-8 without surrogates, keys must be str or bytes, and nothing may follow
// the value. With codec.Options.Lenient keys of any type are read, arrays among them as tuples, and text is read
// as it is. Containers may be nested as deep as codec.Options.MaxDepth says, 200 by default; Python reads
// 1024.
//
// A dict with the key __class__ is an instance. Those within others are converted first, as in Python's
// hooks: a converter finds the attributes of its instance converted already.
//
// # Arguments
//
// Pyro4 and Pyro5 up to 5.16 do not convert extensions in the arguments of a call: there, a method gets a
// msgpack.ExtType for a complex number, a big int, a naive time or a date. In results they work. Pyro5 5.17
// converts both.
package msgpack
