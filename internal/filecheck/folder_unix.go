//go:build linux || darwin || freebsd

package filecheck

import (
	"io/fs"
	"syscall"
)

// writable is W_OK of access(2).
const writable = 2

// writableFolder says why nothing can be made in a folder.
func writableFolder(dir string) error {
	if err := syscall.Access(dir, writable); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}
