// Package discovery finds objects by name. An [Entry] is what is known of one, a [Resolver] looks
// entries up, a [Registrar] makes them known. Adapters live in packages of their own
// (discovery/nameserver).
//
// It knows where objects are, not how they are called.
package discovery
