// Package sqlite keeps names in an SQLite file: the one that the name servers of Pyro4 and Pyro5 have with
// `-s sql:FILE`. Either side opens what the other one left, and both may use it at the same time.
//
// What is read is answered from memory; [Open] loads all names. Writes that come at the same time share a
// transaction, and with it the flush to the disk. A write that has returned survives the end of the process and of
// the machine, kill -9 and power cuts included. While the file is open it has a write-ahead log (FILE-wal and
// FILE-shm, which belong to it and need a local disk); Close leaves FILE alone. Changes
// by others are noticed within a second, and before each write; they cost a reading of the whole file.
// On a full disk the file opens and is read; writes are ErrFull until there is room.
//
// The tables are Python's. An index and the table pyrokit_leases come in addition, with a trigger that ends a
// lease when its name goes, whoever removes it.
//
// It knows tables and records, not what a name server does with them.
package sqlite
