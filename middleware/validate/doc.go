// Package validate refuses calls whose arguments do not have the declared shape, before the method sees them.
//
// Functions of a pyrokit service say the types of their arguments themselves; a shape adds what a type does not
// say (ranges, lengths, patterns, choices), covers functions that take any value, and stands in a configuration.
// On a server a Python caller sees a TypeError or ValueError that names the argument; on a client the call is
// refused before it is sent.
//
// Arguments are decoded once more for this, only of calls that a shape is for. Values of attributes that are set
// are checked as the only argument; each entry of a batch is checked. A call that no shape fits passes.
package validate
