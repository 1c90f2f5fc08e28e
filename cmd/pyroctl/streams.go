package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// streams are what a command reads and writes. Results go to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	colour   bool // out is a terminal that wants colour
	asks     bool // in and err are a terminal: somebody is there to answer
	width    int  // of the terminal that out is, in characters; 0 if it is none
}

func stdStreams() *streams {
	fd := int(os.Stdout.Fd())
	terminal := term.IsTerminal(fd)
	width, _, err := term.GetSize(fd)
	if err != nil {
		width = 0
	}
	return &streams{
		in:     os.Stdin,
		out:    os.Stdout,
		err:    os.Stderr,
		colour: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		asks:   term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		width:  width,
	}
}

// stdin is the standard input until ctx ends.
func (f *factory) stdin(ctx context.Context) io.ReadCloser {
	return interruptible(ctx, func(to io.Writer) error {
		_, err := io.Copy(to, f.io.in)
		return err
	})
}

// openFile opens a file in such a way that the end of ctx ends its reading.
func openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", name)
	case info.Mode().IsRegular():
		return os.Open(name) //nolint:gosec // what the user names
	}
	return interruptible(ctx, func(to io.Writer) error { return copyFile(to, name) }), nil
}

func copyFile(to io.Writer, name string) error {
	file, err := os.Open(name) //nolint:gosec // what the user names
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, file)
	return err
}

// interruptible returns what copyTo writes, until ctx ends: who types, or a pipe, may keep it waiting. What waits then
// ends with the program.
func interruptible(ctx context.Context, copyTo func(io.Writer) error) io.ReadCloser {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	go func() { _ = in.CloseWithError(copyTo(in)) }()
	return out
}
