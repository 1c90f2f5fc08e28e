package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitFailed      = 1 // the remote method raised, or a check failed
	exitUsage       = 2
	exitNotFound    = 3   // name, object or method
	exitUnreachable = 4   // could not connect, or timed out
	exitRefused     = 5   // handshake, HMAC, TLS, not exposed
	exitInterrupted = 130 // as shells have it for SIGINT
)

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// A hintedError knows what to do about it.
type hintedError struct {
	error

	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

func withHint(err error, hint string) error { return &hintedError{err, hint} }

// A configError is a configuration that is wrong, which has said itself what would be right.
type configError struct{ error }

func (e *configError) Unwrap() error { return e.error }

func isConfigError(err error) bool {
	_, is := errors.AsType[*configError](err)
	return is
}

// An interruptedError is what became of a command that was told to stop. What else it says is of no
// interest to who told it.
type interruptedError struct{ error }

func (e *interruptedError) Error() string { return "interrupted" }

func (e *interruptedError) Unwrap() error { return e.error }

// exitCode decides what a command that ended with err exits with.
func exitCode(err error) int {
	var (
		usage       *usageError
		interrupted *interruptedError
	)
	switch {
	case errors.As(err, &interrupted):
		return exitInterrupted
	case errors.As(err, &usage), errors.Is(err, pyro.ErrURI), isConfigError(err):
		return exitUsage
	case isTLSError(err), speaksOtherDialect(err):
		return exitRefused
	}
	e := transport.AsError(err)
	if e.Remote {
		return exitCodeOfException(e)
	}
	if errors.Is(err, transport.ErrUnauthenticated) || errors.Is(err, transport.ErrPermissionDenied) {
		return exitRefused // by a name server, say, beneath the error that none was found
	}
	switch e.Code {
	case transport.CodeNotFound:
		return exitNotFound
	case transport.CodeUnavailable, transport.CodeDeadlineExceeded, transport.CodeCanceled:
		return exitUnreachable
	case transport.CodePermissionDenied, transport.CodeUnauthenticated, transport.CodeResourceExhausted:
		return exitRefused
	case transport.CodeInvalidArgument:
		if e.NotSent { // an argument that cannot be encoded
			return exitUsage
		}
	}
	return exitFailed
}

// exitCodeOfException looks for those that Pyro's own code raises where a method was not even reached.
func exitCodeOfException(e *transport.Error) int {
	ownClass := strings.HasPrefix(e.Class, "Pyro4.errors.") || strings.HasPrefix(e.Class, "Pyro5.errors.")
	switch {
	case ownClass && e.Code == transport.CodeNotFound: // NamingError, unknown object
		return exitNotFound
	case ownClass && (e.Code == transport.CodePermissionDenied || strings.Contains(e.Message, "not accepted")):
		return exitRefused
	case e.Class == "builtins.AttributeError" && strings.HasPrefix(e.Message, "attempt to access "):
		return exitRefused
	default:
		return exitFailed
	}
}

// speaksOtherDialect recognises a peer that cannot be told from others but by the text of the error.
func speaksOtherDialect(err error) bool {
	return strings.Contains(err.Error(), "speaks the other dialect")
}

func isTLSError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		err != nil && strings.Contains(err.Error(), "remote error: tls: ")
}

// report prints err and returns the exit code.
func (f *factory) report(cmd *cobra.Command, err error) int {
	exit := exitCode(err)
	e := transport.AsError(err)
	code := e.Code
	if exit == exitUsage {
		code = transport.CodeInvalidArgument
	}
	f.printError(err, code)
	if f.flags.output == outputJSON {
		return exit
	}
	if hint := f.hintFor(cmd, err, e, exit); hint != "" {
		fmt.Fprintln(f.io.err, hint)
	}
	if f.flags.traceback && len(e.Traceback) > 0 {
		fmt.Fprint(f.io.err, tracebackText(e.Traceback))
	}
	return exit
}

// printError says in a line what is wrong.
func (f *factory) printError(err error, code transport.Code) {
	if f.flags.output != outputJSON {
		fmt.Fprintf(f.io.err, "pyroctl: %s\n", shown(oneLine(strings.ReplaceAll(err.Error(), quotedMark, `"`))))
		return
	}
	e := transport.AsError(err)
	doc := codec.NewDict("error", codec.NewDict(
		"code", code.String(),
		"class", noneIfEmpty(e.Class),
		"message", oneLine(messageFor(err, e)),
		"traceback", noneIfEmpty(strings.Join(e.Traceback, "")),
	))
	fmt.Fprintf(f.io.err, "%s\n", valuePrinter{}.json(nil, doc))
}

// messageFor is an exception's own message, or all that is known of another error.
func messageFor(err error, e *transport.Error) string {
	if e.Remote {
		return e.Message
	}
	return err.Error()
}

func noneIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// oneLine keeps an error on its line.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(pyro.Printable(s)), "\n", "; ")
}

// tracebackText shows a remote traceback the way Pyro's users know it.
func tracebackText(lines []string) string {
	var b strings.Builder
	b.WriteString(" +--- This exception occurred remotely (Pyro) - Remote traceback:\n")
	for line := range strings.SplitSeq(strings.TrimRight(strings.Join(lines, ""), "\n"), "\n") {
		b.WriteString(" | " + line + "\n")
	}
	b.WriteString(" +--- End of remote traceback\n")
	return b.String()
}
