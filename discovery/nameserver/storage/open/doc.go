// Package open opens storages by the text that users write: memory, sql:FILE, dbm:FILE. It is by itself because it
// links SQLite, which who uses package storage need not.
package open
