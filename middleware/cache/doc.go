// Package cache answers calls of methods that are declared pure from memory: those whose result depends on
// their arguments alone, and changes nothing.
//
// On a server it spares the method and the encoding of its result; on a client it spares the call. An answer is
// found by object, method, serializer and the encoded arguments, so that two calls that a method could tell apart
// are never taken for each other. Exceptions, iterators, attributes, batches of a client, one-way calls, results
// that come with annotations, and what pickles carry to a server are not kept.
//
// It belongs inside of auth, which decides who may call at all: answers are the same for all callers. Calls that
// come while the first one is still running are all carried out.
package cache
