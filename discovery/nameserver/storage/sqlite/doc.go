// Package sqlite keeps names in an SQLite file: the one that the name servers of Pyro4 and Pyro5 have with
// `-s sql:FILE`. Either side opens what the other one left, and both may use it at the same time.
//
// What is read is answered from memory; [Open] loads all names. Writes that come at the same time share a
// transaction, and with it the flush to the disk. A write that has returned survives the end of the process and of
// the machine, kill -9 and power cuts included. While the file is open it has a write-ahead log (FILE-wal and
// FILE-shm, which belong to it and need a local disk); Close leaves FILE alone.
// On a full disk the file opens and is read; writes are ErrFull until there is room. A file that was renamed, or that a
// program has written over which is not SQLite, is ErrReplaced for writes; what was known is read.
//
// What others change is looked for every second, and for the names that it is about, before each write. What they have
// stored, as Pyro's name servers and this package do it, is known then; what they have removed, when all names have
// been read, and what other programs have changed in place, when everything has. That is done beside reads and writes,
// in parts, which with 1,000,000 names takes about a second for the names, and some for everything.
//
// Each lease has a holder: the process that stored it last. A holder is there as long as it keeps an empty file locked
// beside FILE, FILE-pyrokit-ID, which the system ends with its process; a heartbeat in the tables would be a write, and a change
// for others to look at, every second.
//
// A file without Pyro's tables that is not empty is another program's, and refused as ErrFormat; Python's name servers make
// their tables in any. Tables of others beside Pyro's are left alone. Rows that are no text in UTF-8 are left out.
//
// The tables are Python's. An index and the table pyrokit_leases come in addition, with a trigger that ends a
// lease when its name goes, whoever removes it. There is no trigger that notes changes for others to read: every
// write, Python's included, would cost two more, and somebody would have to clear what nobody reads.
//
// It knows tables and records, not what a name server does with them.
package sqlite
