// Package sqlitefile is what the storages in SQLite files have in common: opening and leaving a file so that others can
// use it at the same time and afterwards, transactions, and errors that say what is wrong.
//
// It knows no tables.
package sqlitefile
