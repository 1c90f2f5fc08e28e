package bind

import (
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
)

// A Kind is the kind of an encoded value.
type Kind uint8

// The kinds. Brace is a dict or a set; a source that cannot tell before the first key says so. Other
// is for what only SpecialSource.Special reads.
const (
	Invalid Kind = iota
	None
	Bool
	Int
	Float
	Complex
	Str
	Bytes
	List
	Tuple
	Set
	FrozenSet
	Dict
	Brace
	Other
)

var kindNames = [...]string{
	"nothing", "None", "bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "set",
	"frozenset", "dict", "dict", "object",
}

// String returns Python's name of k.
func (k Kind) String() string { return kindNames[k] }

// A Want tells a source what the destination can hold. It only matters to serpent, where the
// meaning of a parenthesis depends on what comes much later.
type Want uint8

// What a destination can hold.
const (
	Scalar   Want = iota
	Sequence      // list, tuple, set
	Mapping       // dict
)

// A Key is what NextKey found.
type Key uint8

// What NextKey found: the end of the dict, a str, or a key of another type, which is then not yet
// read.
const (
	NoKey Key = iota
	StrKey
	OtherKey
)

// A Mark is a place in a source to come back to.
type Mark struct{ Pos, Depth int }

// A Source reads encoded values one after the other. The methods that read a value may only be
// called for the kind that Peek returned. Enter counts the depth and refuses what is too deep.
type Source interface {
	Peek(w Want) (Kind, error) // kind of the next value, which is not consumed

	None() error
	Bool() (bool, error)
	Int() (int64, *big.Int, error) // the second is not nil when the first cannot hold it
	Float() (float64, error)
	Complex() (complex128, error)
	Str() ([]byte, error)   // valid until the next call
	Bytes() ([]byte, error) // valid until the next call

	Enter() error                  // begins a container
	Next() (bool, error)           // goes to the next element or key; at the end leaves the container
	Value() error                  // goes from a key to its value
	NextKey() ([]byte, Key, error) // Next, and with a str key also Str and Value
	Len() int                      // number of elements to come in the container, 0 if unknown; never more than the bytes left

	Skip() error                            // passes over a value
	Tree() (v any, classes bool, err error) // the generic tree, class dicts as *codec.Dict; classes: there are some

	Mark() Mark // before the value that was peeked at
	Reset(m Mark)
}

// A RawSource can hand out the encoding of a value.
type RawSource interface {
	Raw() ([]byte, error) // a copy of the next value's encoding, which stands on its own
}

// A ClassSource knows the class of a dict before it is read.
type ClassSource interface {
	// Class returns the class of the dict that was peeked at, or nothing if it is no instance.
	Class() string
}

// An ObjectSource has instances that no dict says all of.
type ObjectSource interface {
	// Object returns the instance that was peeked at, if it is such a one.
	Object() (codec.Object, bool)
}

// A SpecialSource has values that Go has a type for and most serializers do not: times, dates,
// decimals and so on. Peek tells the kind that typed destinations may take them for: text, a float of
// seconds, a list.
type SpecialSource interface {
	// Special reads the value that was peeked at if it is such a one.
	Special() (v any, ok bool, err error)
}

// A BytesDictSource knows a quicker way to read the dict that serpent makes of bytes.
type BytesDictSource interface {
	// BytesDict reads the dict that was peeked at if it is exactly as serpent writes it; else it reads
	// nothing.
	BytesDict() (b []byte, ok bool)
}
