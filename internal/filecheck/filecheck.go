// Package filecheck tells beforehand, and without making anything, why a file cannot be written or a socket made. What it
// finds nothing wrong with may fail all the same: what it looks at belongs to others.
package filecheck

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Writable says why the file at path cannot be written, or made where there is none; nil where nothing is known. A pipe or
// a device is not looked at: who opens one may wait.
func Writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folder(path)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("open %s: is a directory", path)
	case !info.Mode().IsRegular():
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // what the user names; nothing is written
	if err != nil {
		return err
	}
	return file.Close()
}

// Socket says why no unix socket can be made at path, an abstract one aside; nil where nothing is known.
func Socket(path string) error {
	if path == "" || strings.HasPrefix(pyro.SocketName(path), "@") {
		return nil
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s: there is something else than a socket", path)
	}
	return folder(path)
}

// folder says why no file can be made at path.
func folder(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a directory", dir)
	}
	return writableFolder(dir)
}
