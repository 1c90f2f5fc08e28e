// Package pickle reads and writes Python's pickles as data. It has three names on the wire, pickle,
// cloudpickle and dill: what the last two add are functions and classes, which are only data here.
//
// It is off unless asked for. The package registers its names, but only Pyro4 has numbers for them, and
// clients and servers of package service use one only where it is named.
//
// # Never done
//
// A pickle is a program for a small machine with a stack, and in Python that machine imports what a
// program names and calls what it imported. This one cannot: a name becomes a [codec.Global], and a call
// a value that says what would have been called. Extension codes, persistent ids and buffers outside the
// pickle, which mean something to their writer alone, are errors.
//
// # Reading
//
// Protocols 0 to 5 are read, as Python 2 and 3 write them, framed or not. As in Python, what follows the
// first pickle is ignored. Into an any, beside None, bool, int, float, str, list and dict:
//
//	bytes, bytearray, a str of Python 2     []byte; a str of ASCII characters alone is a string
//	complex                                 complex128
//	tuple; set, frozenset                   codec.Tuple; codec.Set
//	datetime                                time.Time, in codec.Naive without a time zone
//	date; time; timedelta                   codec.Date; codec.TimeOfDay; time.Duration
//	Decimal; UUID                           codec.Decimal; uuid.UUID
//	OrderedDict, Counter, defaultdict       *codec.Dict
//	deque                                   []any
//	array.array                             codec.Array
//	numpy arrays and scalars                codec.NDArray, a scalar without a Shape
//	numpy arrays of objects                 codec.Object
//	exceptions                              what the registry makes of their class dicts
//	Pyro's URI, Proxy and Daemon            the same
//	instances of other classes              the same, else codec.Object
//	a class, a function, Ellipsis           codec.Global
//
// A timedelta beyond the range of time.Duration, a time zone that is neither an offset nor known by its
// name, and whatever else is not as Python writes it, stays an Object. A defaultdict loses its factory
// and a deque its bound. An instance among the keys of a dict is a *codec.Object, a numpy scalar there a
// plain number.
//
// Typed destinations take what they take from other serializers. A dict with the key __class__ is a
// plain dict here. Instances within instances are converted first, and before these, as in Python.
//
// # Objects
//
// An [codec.Object] is made by its class and its Attrs. If it takes more than that (arguments, slots, a
// state of another kind, elements), its [codec.Reduction] has all of it, as the method __reduce_ex__ of
// the instance gave it, so that it can be written again. A registered class gets this under the keys
// args, items, pairs and state, unless attributes have these names. A class within a class has a
// colon in its name: "module:Outer.Inner". A class that cloudpickle or dill sent by value is known by its name.
//
// # Writing
//
// Protocol 4 is written, which Python 3.4 and later read, or the one in [codec.Options.PickleProtocol], 2 to 5.
// References are not written: what is held twice is written twice.
//
// What a pickle calls runs in the Python that reads it, so that whoever passes on values of others must not
// write any call. Only calls of classes and functions that make a value and do nothing else (the builtin
// exceptions, complex, datetime, Decimal, those for numpy arrays and their like) are written, and only
// names of such, of plain data where they look at it; all else is a [codec.EncodeError] unless
// [codec.Options.PickleCalls] allows it. An own exception that is passed on as a value travels as a RuntimeError that names it, if
// the name of its class tells that it is one; a member of an Enum is a call of its class, and refused.
//
// An Object without a Call makes Python import the module of its class and run its __new__. It is written for classes
// that are registered in the [codec.Registry], for those of Python's containers and Pyro's objects that only keep
// values, and for users' own: classes in modules that neither come with Python (of any version) nor with a well-known
// package, whose name begins with a capital letter and is not one under which modules import what acts by being made.
// What then remains is what users' own modules and classes do themselves: what happens when a module is imported, in
// __new__, __setstate__, __setattr__, extend, append, __setitem__, __hash__, __eq__ and __del__. Whoever can send
// pickles can have that done to any class of this kind that the reader can import.
//
// Proxies stand only where Python keeps them without a look: one that is asked for an attribute connects, and believes
// the answer. Types of numpy's elements go out without the state that numpy would believe. Those with objects in the fields of
// records, and arrays made of bytes by ndarray itself, which could take bytes for addresses, are refused.
//
// # numpy
//
// The data of an array are copied once, and with [codec.Options.ShareInput] not at all: they point into the
// input. In protocols 0 to 2 bytes are spelled as text, and always copied. Byte order and Fortran order
// stay as they are; data whose axes are in any other order are put in C order. The DType of a record is the list
// of its fields, or the dict of names, formats and offsets where these leave gaps. Arrays are written
// under names that numpy 1 and 2 both have, and can be written to in Python.
//
// # Python 2
//
// Peers with Python 2 need protocol 2, and send it: str as bytes, which is text here if it is ASCII;
// unicode; long; instances of old-style classes; and names like __builtin__.set and exceptions.KeyError, which
// are those of Python 3 here. What is written in protocol 2 has the old names again: text is unicode,
// bytes are str.
//
// # Limits
//
// Containers, instances and the types of numpy's records nest as deep as [codec.Options.MaxDepth] says, 200
// by default. What holds itself is an error. What references make of a pickle may be 76 times as large as
// it is, and 1 MiB: lists of lists that double at each level end in a [codec.LimitError]. Counts and lengths are
// believed only as far as the bytes are there. An int in digits may have 4300, as in Python, and a pickle may have 4
// GiB. No more than eight unknown time zones are looked for.
package pickle
