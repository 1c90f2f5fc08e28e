//go:build unix

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// createLocked makes a file, or opens it, and locks it.
func createLocked(path string) (*os.File, error) {
	return locked(os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)) //nolint:gosec // beside the file that the user names
}

// lockExisting locks a file that nobody has locked.
func lockExisting(path string) (*os.File, error) {
	return locked(os.Open(path)) //nolint:gosec // beside the file that the user names
}

func locked(file *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errTaken
		}
		return nil, err
	}
	return file, nil
}

// removeLocked removes a file that is locked.
func removeLocked(path string, _ *os.File) error {
	return os.Remove(path) //nolint:gosec // beside the file that the user names
}

// share lets those look at a mark who may open the storage's file.
func share(mark *os.File, mode os.FileMode) error { return mark.Chmod(mode.Perm()) }
