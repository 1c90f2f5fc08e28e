// Package discovery finds objects by name. An [Entry] is what is known of one. A [Resolver] looks entries up, a
// [Finder] chooses several by a [Query], a [Watcher] tells of changes, a [Registrar] makes entries known.
// Adapters live in packages of their own (discovery/nameserver); [Static] has the entries that it was given.
//
// What all of them gain from is here: a [Cache] of answers, a [Keeper] of registrations that come back by
// themselves, and [Targets], which choose one of several entries for each call through a [Balancer] and pass
// over those that turned out dead.
//
// It knows where objects are, not how they are called.
package discovery
