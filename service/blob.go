package service

import (
	"reflect"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A SerializedBlob as the only argument of a call stays serialized on its way: a method with a parameter
// of type *SerializedBlob, or any, can pass it on to another proxy as it is. See [pyro.SerializedBlob].
type SerializedBlob = pyro.SerializedBlob

// NewSerializedBlob returns a blob that holds data in the place of the arguments, and info beside it.
func NewSerializedBlob(info, data any) *SerializedBlob { return pyro.NewSerializedBlob(info, data) }

var blobType = reflect.TypeFor[*SerializedBlob]()
