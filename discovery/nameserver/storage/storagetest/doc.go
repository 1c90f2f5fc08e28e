// Package storagetest is the suite that every kind of storage passes.
package storagetest
