package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// streams are what a command reads and writes. Results go to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	colour   bool // out is a terminal that wants colour
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
		width:  width,
	}
}
