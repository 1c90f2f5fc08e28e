package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
)

// Bounds of what files include.
const (
	maxIncludeDepth = 16
	maxFiles        = 256 // each as often as it is read
)

// includeKey is the field of the root that names further files.
const includeKey = "include"

// read reads a file that was named in the beginning.
func (l *loader) read(name string, root protoreflect.Message) {
	if err := l.file(name, root); err != nil {
		l.add(fileError(name, err))
	}
}

// fileError is what is wrong with a file as a whole.
func fileError(name string, err error) *Error {
	e := &Error{File: name, Msg: err.Error(), cause: err}
	if hinted, ok := errors.AsType[*wrong](err); ok {
		e.Hint = hinted.hint
	}
	return e
}

// file reads a file, and before it those that it includes. What is wrong within it is noted; the error says why it
// could not be read at all.
func (l *loader) file(name string, root protoreflect.Message) error {
	format, err := configtree.FormatOf(name)
	info, statErr := os.Stat(name)
	switch {
	case statErr != nil:
		return reason(statErr)
	case info.IsDir():
		return wantf("name its files, such as "+filepath.Join(name, "*.yaml"), "a folder")
	case err != nil:
		return err
	case slices.ContainsFunc(l.open, func(o os.FileInfo) bool { return os.SameFile(o, info) }):
		return errors.New("includes itself")
	case len(l.open) == maxIncludeDepth:
		return fmt.Errorf("more than %d files, each included by the one before", maxIncludeDepth)
	case l.reads == maxFiles:
		return fmt.Errorf("more than %d files are read", maxFiles)
	}
	data, err := readFile(name)
	if err != nil {
		return err
	}
	l.reads++
	l.open = append(l.open, info)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	l.text(name, data, format, root)
	if !slices.Contains(l.sources, name) {
		l.sources = append(l.sources, name)
	}
	return nil
}

func readFile(name string) ([]byte, error) {
	file, err := openFile(name)
	if err != nil {
		return nil, reason(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, configtree.MaxSize+1))
	if err != nil {
		return nil, reason(err)
	}
	return data, nil
}

// openFile opens a file to be read.
func openFile(name string) (*os.File, error) {
	if err := refuseSpecial(name); err != nil {
		return nil, err
	}
	return os.Open(name) //nolint:gosec // what the user, or the configuration, names
}

// refuseSpecial is the error for what is there and no file: who opens a pipe waits, deaf to signals, until somebody writes to
// it, and a device may never end. It would be read again at a reload, too.
func refuseSpecial(name string) error {
	info, err := os.Stat(name)
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		return nil //nolint:nilerr // whoever opens it gets an error of their own
	}
	return &fs.PathError{Op: "open", Path: name, Err: errSpecial}
}

var errSpecial = errors.New("want a regular file, found a pipe, socket or device")

// reason takes the name, which stands in front of the error anyway, from an error of a file.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// text reads what is in a file.
func (l *loader) text(name string, data []byte, format configtree.Format, root protoreflect.Message) {
	tree, err := configtree.Parse(data, format)
	if err != nil {
		e := &Error{File: name, Msg: err.Error(), cause: err}
		if syntax, ok := errors.AsType[*configtree.SyntaxError](err); ok {
			e.Line, e.Column, e.Msg = syntax.Pos.Line, syntax.Pos.Column, syntax.Msg
		}
		l.add(e)
		return
	}
	b := l.binder(name, format)
	fields := *tree
	fields.Children = nil
	for _, c := range tree.Children {
		if c.Key == includeKey {
			l.includes(b, c, root)
			continue
		}
		fields.Children = append(fields.Children, c)
	}
	if fields.Kind == configtree.Map {
		b.message(&fields, root, "")
	}
}

// includes reads the files that an include field names.
func (l *loader) includes(b *binder, n *configtree.Node, root protoreflect.Message) {
	items := n.Children
	switch n.Kind {
	case configtree.Null:
		return
	case configtree.String:
		items = []*configtree.Node{n}
	case configtree.List:
	default:
		b.failf(n.Pos, includeKey, "", "want a list of files, found %s", found(n))
		return
	}
	for _, item := range items {
		if item.Kind != configtree.String {
			b.failf(item.Pos, includeKey, "", "want the name of a file, found %s", found(item))
			continue
		}
		if path, _, ok := b.text(item, includeKey); ok {
			l.include(b, item, path, root)
		}
	}
}

// include reads the file, or the files, that one item names. A pattern leaves out the file that it stands in.
func (l *loader) include(b *binder, n *configtree.Node, path string, root protoreflect.Message) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(b.source), path)
	}
	if !strings.ContainsAny(path, "*?[") {
		if err := l.file(path, root); err != nil {
			e := fileError(path, err)
			b.failf(n.Pos, includeKey, e.Hint, "%s: %s", path, e.Msg)
		}
		return
	}
	l.patterns = append(l.patterns, path)
	names, err := filepath.Glob(path) // sorted
	if err != nil {
		b.failf(n.Pos, includeKey, "", "%s: %v", path, err)
		return
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && os.SameFile(info, l.open[len(l.open)-1]) {
			continue
		}
		if err := l.file(name, root); err != nil {
			e := fileError(name, err)
			b.failf(n.Pos, includeKey, e.Hint, "%s: %s", name, e.Msg)
		}
	}
}
