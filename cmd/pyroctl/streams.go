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
}

func stdStreams() *streams {
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	return &streams{
		in:     os.Stdin,
		out:    os.Stdout,
		err:    os.Stderr,
		colour: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
}
