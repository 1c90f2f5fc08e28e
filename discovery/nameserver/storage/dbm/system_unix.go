//go:build unix

package dbm

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// lock keeps other processes of pyrokit out, until the file is closed.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", file.Name(), storage.ErrLocked)
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// syncFolder makes a rename last.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the file that the user names
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
