package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// createLocked makes a file, or opens it, that nobody else can open meanwhile, and that goes when it is closed.
func createLocked(path string) (*os.File, error) { return locked(path, syscall.OPEN_ALWAYS) }

// lockExisting does so with one that is there and that nobody has open.
func lockExisting(path string) (*os.File, error) { return locked(path, syscall.OPEN_EXISTING) }

func locked(path string, how uint32) (*os.File, error) {
	const (
		deleteOnClose    = 0x04000000
		sharingViolation = syscall.Errno(32)
		remove           = 0x00010000 // the access right
	)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|remove, 0, nil, how, deleteOnClose, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errTaken
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// removeLocked does nothing: closing removes the file.
func removeLocked(string, *os.File) error { return nil }

// share does nothing: who may open the file is not a matter of its mode.
func share(*os.File, os.FileMode) error { return nil }
