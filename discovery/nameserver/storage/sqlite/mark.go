package sqlite

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// A mark is an empty file beside the storage's that its process keeps locked: the system lets go of it when the process
// ends, however it does. So others know whether the holder of a lease is there, without a heartbeat that would be a write.
type mark struct {
	path string
	lock *os.File
}

// errTaken is the error for a mark that somebody else has locked.
var errTaken = errors.New("locked by another process")

// between is what stands between the path of a storage's file and the holder, in the name of a mark.
const between = "-pyrokit-"

// closer is no holder: its mark is for those who close the file, one at a time.
const closer = 0

// newHolder returns what nobody else is called.
func newHolder() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return int64(binary.BigEndian.Uint64(b[:])>>2) + 1
}

func markPath(file string, holder int64) string {
	return file + between + fmt.Sprintf("%016x", holder)
}

// setMark makes the mark of a holder, with the rights that the storage's file has.
func setMark(file string, holder int64) (*mark, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	m := &mark{path: markPath(file, holder)}
	for range 100 {
		m.lock, err = createLocked(m.path)
		if errors.Is(err, errTaken) { // by somebody who looks whether the holder is there, and removes the mark
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return nil, meaning(err)
		}
		if is, err := os.Stat(m.path); err == nil && m.is(is) {
			return m, share(m.lock, info.Mode())
		}
		_ = m.lock.Close() // it was removed before it was locked
	}
	return nil, fmt.Errorf("%s: %w", m.path, errTaken)
}

// meaning says what an error of the system means.
func meaning(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", storage.ErrReadOnly, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}

func (m *mark) is(info os.FileInfo) bool {
	mine, err := m.lock.Stat()
	return err == nil && os.SameFile(mine, info)
}

// remove ends a mark. Another one that has its name since is not touched.
func (m *mark) remove() error {
	var err error
	if is, statErr := os.Stat(m.path); statErr == nil && m.is(is) {
		err = removeLocked(m.path, m.lock)
	}
	return errors.Join(err, m.lock.Close())
}

// isGone tells whether a holder does not have a file open any more, and removes what it has left of its mark. What
// cannot be found out counts as being there.
func isGone(file string, holder int64) bool {
	path := markPath(file, holder)
	lock, err := lockExisting(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	_ = removeLocked(path, lock) // else the next one does
	_ = lock.Close()
	return true
}

// sweep removes the marks of those that are gone.
func sweep(file string) {
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return
	}
	for _, e := range entries {
		digits, is := strings.CutPrefix(e.Name(), filepath.Base(file)+between)
		if !is || len(digits) != 16 {
			continue
		}
		if holder, err := strconv.ParseInt(digits, 16, 64); err == nil {
			isGone(file, holder)
		}
	}
}
