package dbm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// block is what values begin at multiples of.
const block = 512

// mode is Pyro4's.
const mode = 0o600

// dumb is what Python's dbm.dumb writes.
type dumb struct {
	path   string
	data   *os.File
	loaded os.FileInfo // of FILE.dir
	text   []byte      // of FILE.dir, as it was loaded or written
	backup os.FileInfo // of FILE.bak at that time; nil if there was none
	spans  map[string]span
	change map[string]*span // of the transaction; nil is to go
	used   []int            // how many values each block of FILE.dat has, those of the transaction included
	free   int              // no block before it is free
}

func openDumb(path string) (*dumb, error) {
	data, err := os.OpenFile(path+".dat", os.O_RDWR|os.O_CREATE, mode) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, wrong(err)
	}
	d := &dumb{path: path, data: data}
	if err := lock(data); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	directory, err := os.OpenFile(path+".dir", os.O_RDWR|os.O_CREATE, mode) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, errors.Join(wrong(err), data.Close())
	}
	if err := directory.Close(); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return d, nil
}

// wrong says what an error of the system means.
func wrong(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		return fmt.Errorf("%w: %w", storage.ErrReadOnly, err)
	case isFull(err):
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}

// Load yields all records, in the order of their names.
func (d *dumb) Load(_ bool, yield func(storage.Record) error) error {
	info, err := os.Stat(d.path + ".dir")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(d.path + ".dir")
	if err != nil {
		return err
	}
	data, err := d.data.Stat()
	if err != nil {
		return err
	}
	spans, err := parseDirectory(text, data.Size())
	if err != nil {
		return fmt.Errorf("%s.dir: %w: %w", d.path, storage.ErrFormat, err)
	}
	if err := d.yield(spans, yield); err != nil {
		return err
	}
	d.loaded, d.text, d.backup, d.spans, d.used, d.free = info, text, d.stepped(), spans, nil, 0
	for _, s := range spans {
		d.mark(s, 1)
	}
	if len(spans) == 0 { // what FILE.dat has all the same may be another program's
		d.mark(span{size: data.Size()}, 1)
	}
	return nil
}

func (d *dumb) yield(spans map[string]span, yield func(storage.Record) error) error {
	names := make([]string, 0, len(spans))
	for name := range spans {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := make([]byte, spans[name].size)
		if _, err := d.data.ReadAt(value, spans[name].at); err != nil {
			return err
		}
		r := storage.Record{Name: name, URI: string(value)}
		if err := storage.CheckText(r); err != nil {
			return fmt.Errorf("%s: %w: %w", d.path, storage.ErrFormat, err)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// mark counts a value, or takes it from the count.
func (d *dumb) mark(s span, by int) {
	if s.size == 0 {
		return
	}
	first, last := int(s.at/block), int((s.at+s.size-1)/block)
	for len(d.used) <= last {
		d.used = append(d.used, 0)
	}
	for i := first; i <= last; i++ {
		d.used[i] += by
	}
	if by < 0 {
		d.free = min(d.free, first)
	}
}

// room returns a place that no value has.
func (d *dumb) room(size int64) span {
	if size == 0 {
		return span{}
	}
	for d.free < len(d.used) && d.used[d.free] > 0 {
		d.free++
	}
	blocks := int((size + block - 1) / block)
	first := d.free
	for i := first; i < len(d.used) && i < first+blocks; i++ {
		if d.used[i] > 0 {
			first = i + 1
		}
	}
	return span{at: int64(first) * block, size: size}
}

// Changed tells whether FILE.dir is another one than was loaded, or written since. What dbm.dumb does is to append, or to put
// another one in its place; whoever writes over it, as cp does that brings back a backup, knows nothing of what is here.
func (d *dumb) Changed() (bool, error) {
	info, err := os.Stat(d.path + ".dir")
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%s.dir: %w", d.path, storage.ErrReplaced)
	}
	if err != nil {
		return false, err
	}
	if err := d.there(); err != nil {
		return false, err
	}
	if !os.SameFile(info, d.loaded) || same(info, d.loaded) {
		return !same(info, d.loaded), nil
	}
	text, err := os.ReadFile(d.path + ".dir")
	if err == nil && !bytes.HasPrefix(text, d.text) && same(d.stepped(), d.backup) {
		err = fmt.Errorf("%s.dir: %w: a program that is no dbm has written over it", d.path, storage.ErrReplaced)
	}
	return true, err
}

// stepped is the file that dbm.dumb renames FILE.dir to when it puts another one in its place, which may be at the same place
// of the disk as one before; nil if there is none.
func (d *dumb) stepped() os.FileInfo {
	info, err := os.Stat(d.path + ".bak")
	if err != nil {
		return nil
	}
	return info
}

// same tells whether a file, if there is one, is the same, and was not written to.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// there returns an error if FILE.dat is not the one any more that was opened: what is written would be lost.
func (d *dumb) there() error {
	mine, err := d.data.Stat()
	if err != nil {
		return err
	}
	if is, err := os.Stat(d.data.Name()); err != nil || !os.SameFile(is, mine) {
		return fmt.Errorf("%s: %w", d.data.Name(), storage.ErrReplaced)
	}
	return nil
}

// Begin begins a transaction.
func (d *dumb) Begin() (changed bool, err error) {
	d.change = map[string]*span{}
	return d.Changed()
}

// Put writes a value to where none is: a crash loses nothing that FILE.dir knows.
func (d *dumb) Put(r storage.Record) error {
	s := d.room(int64(len(r.URI)))
	if _, err := d.data.WriteAt([]byte(r.URI), s.at); err != nil {
		return wrong(err)
	}
	d.mark(s, 1)
	d.change[r.Name] = &s
	return nil
}

// Remove removes a name.
func (d *dumb) Remove(name string) error {
	d.change[name] = nil
	return nil
}

// Commit puts a new FILE.dir in the place of the old one.
func (d *dumb) Commit() error {
	spans := make(map[string]span, len(d.spans)+len(d.change))
	for name, s := range d.spans {
		if _, changed := d.change[name]; !changed {
			spans[name] = s
		}
	}
	for name, s := range d.change {
		if s != nil {
			spans[name] = *s
		}
	}
	text := formatDirectory(spans)
	info, err := d.write(text)
	if err != nil {
		d.Rollback()
		return wrong(err)
	}
	for name := range d.change {
		if old, known := d.spans[name]; known {
			d.mark(old, -1)
		}
	}
	d.loaded, d.text, d.backup, d.spans, d.change = info, text, d.stepped(), spans, nil
	return nil
}

// write writes FILE.dir, after all that it tells of is on the disk.
func (d *dumb) write(directory []byte) (os.FileInfo, error) {
	if err := d.data.Sync(); err != nil {
		return nil, err
	}
	// Always the same name: what a crash left of an earlier one goes.
	name := d.path + ".dir.new"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	temporary, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // beside the file that the user names
	if err != nil {
		return nil, err
	}
	info, err := fill(temporary, directory, d.loaded.Mode())
	if err == nil {
		err = os.Rename(name, d.path+".dir")
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(name))
	}
	return info, syncFolder(filepath.Dir(d.path))
}

// fill writes a file and closes it.
func fill(file *os.File, text []byte, mode fs.FileMode) (os.FileInfo, error) {
	_, err := file.Write(text)
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	info, statErr := file.Stat()
	return info, errors.Join(err, statErr, file.Close())
}

// Rollback forgets the transaction.
func (d *dumb) Rollback() {
	for _, s := range d.change {
		if s != nil {
			d.mark(*s, -1)
		}
	}
	d.change = nil
}

// Close lets go of the files.
func (d *dumb) Close() error { return d.data.Close() }
