// Package dbm keeps names in what Python's module dbm writes: the file of a Pyro4 name server with `-s dbm:FILE`.
//
// Which kind a file is, is found out as Python does:
//
//   - dumb: FILE.dir and FILE.dat. Read and written. New files are of this kind, for every Python opens it.
//   - sqlite3: FILE, of Python 3.13 and later. Read and written.
//   - gnu and ndbm: FILE, FILE.db, or FILE.pag and FILE.dir, as C libraries write them. [Open] tells which it is,
//     and the command that converts it: [ForeignError].
//
// A dbm has names and URIs and nothing else. Metadata is dropped, and a search for it is storage.ErrNoMetadata, as in Pyro4.
// A name with a lease stays in memory: the file could not say that it ends.
//
// A change of a dumb file writes FILE.dir anew, so it is for hundreds of names rather than for many thousands; package
// sqlite is for these. Values go to places of FILE.dat that nothing uses, and the new FILE.dir takes the place of the
// old one at once: a crash leaves one or the other. No two processes should have a dumb file open at a time: a second
// one of pyrokit gets storage.ErrLocked, but Python knows no locks. What Python does to it meanwhile is taken over; a
// FILE.dir that was written over otherwise is storage.ErrReplaced. Files of other programs are refused, where they can be
// told from a dbm; what an empty FILE.dir does not say that FILE.dat has is left alone.
package dbm
