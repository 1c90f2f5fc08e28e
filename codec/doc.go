// Package codec holds the values that travel in Pyro messages and the interface of the serializers
// that write and read them.
//
// A serializer lives in a package of its own (codec/serpent, codec/json, codec/marshal, codec/msgpack,
// codec/pickle) and implements [Codec]. What Python has and Go has not, tuples, sets, dicts with any key and
// instances of classes, has a type here. Classes are converted by a [Registry].
//
// # Structs
//
// A struct travels as a dict. The key of a field is the name in its tag `pyro:"name,omitempty"`, else
// that in its json tag, else the Go name; "-" leaves it out. Fields of embedded structs count as those
// of the outer one. A struct with the field
//
//	_ struct{} `pyro:",tuple"`
//
// travels as a tuple of its fields instead, and one that [RegisterType] knows as an instance.
//
// # Writing
//
// Slices and arrays are lists, [Tuple] a tuple, [Set] and map[T]struct{} a set, maps a dict in the
// order of their keys, *[Dict] one in its own order. A time.Time is text in ISO 8601 with offset and
// microseconds (without an offset if it is in [Naive]), a time.Duration a float of seconds, an
// encoding.TextMarshaler, [Date], [TimeOfDay] and [Decimal] among them, the text it makes of itself, an
// [Array] a list. Where a serializer has a form of its own for one of these (msgpack some, pickle all,
// and [NDArray] besides), it is written so. Nil slices and maps are empty, other nil values None. A
// registered encoder comes before all of this.
//
// # Reading
//
// Into an any: None, bool, int64 (*big.Int beyond it), float64, complex128, string, []byte, []any,
// Tuple, Set, map[string]any (*Dict when a key is no text) and what the registry makes of instances,
// [Object] if it knows nothing of the class. From serializers that tell them from text, floats and
// lists: time.Time (in Naive if it names no zone), time.Duration, Date, TimeOfDay, Decimal, uuid.UUID,
// Array, NDArray, and [Global].
//
// Into other types: an int goes into every type of integer that can hold it, into floats and complex
// numbers, but no other kind of value changes its nature: a float is no int, a bool no number. Lists,
// tuples and sets go into slices, arrays of their length, structs tagged as tuples, Set and
// map[T]struct{}. A str goes into time.Time (in Naive, whose clock is that of UTC, if it names no zone)
// and every encoding.TextUnmarshaler. What a serializer tells from text, floats and lists goes where
// these go, too: a Decimal into a string, a timedelta into a float64, a numpy array into nested slices.
// None goes into pointers, interfaces, slices and maps and makes them nil; for anything else it is an
// error. A key is taken for an untagged field in any case of ASCII letters, that in the field's own
// spelling first. Keys that a struct has no field for are ignored unless [Options.DisallowUnknownFields]
// is set; a struct that has no field for any is made of no dict. An instance goes into a struct by its attributes, unless a
// registered decoder makes something of its class that fits the destination. Within an instance no
// other one is converted into an any, as in Python.
//
// Errors name the place: "args[1].items[3].price: want float64, found str".
//
// The package knows values only: no connection, no message and no dialect beyond the class names
// that differ between Pyro4 and Pyro5.
package codec
