// Package valuegen makes values at random for tests that send them through serializers, and describes
// values, Go's and Python's alike, so that they can be compared exactly.
//
// A description is what encoding/json reads into an any: null, bools and text are themselves, all
// else is an object whose member t says what it is. integration/peers/values_describe.py describes
// Python values in the same words. What a serializer loses, [Carrier.Sent] takes out of the
// description of a Go value, and [Carrier.Arrives] out of that of a Python value.
//
// Only tests import it.
package valuegen
