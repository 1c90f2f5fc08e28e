package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/filecheck"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnreachable = 4
	exitRefused     = 5
	exitInterrupted = 130 // as shells have it for SIGINT
)

// exitCodes say what the codes mean, in help and in docs/operations.md.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitFailed, "the remote method raised, a check failed, or something else went wrong"},
	{exitUsage, "wrong usage: flags, arguments, a configuration, or a file or folder that one of them names"},
	{exitNotFound, "name, object or method not found"},
	{exitUnreachable, "could not connect or listen, or timed out"},
	{exitRefused, "refused by the other end, or by this one: handshake, HMAC, TLS, not exposed"},
	{exitInterrupted, "interrupted"},
}

// A failure is a kind of errors with an exit code of its own.
type failure struct {
	is   func(err error, e *transport.Error) bool // e is what err is to the library
	code int
}

// failures are looked through from the first to the last; what is none of them exits with exitFailed.
var failures = []failure{
	{isA[*interruptedError], exitInterrupted},
	{isA[*usageError], exitUsage},
	{cannotMakeSocket, exitUsage},
	{cannotListen, exitUnreachable},
	{isA[*configError], exitUsage},
	{func(err error, _ *transport.Error) bool { return errors.Is(err, pyro.ErrURI) }, exitUsage},
	{func(err error, _ *transport.Error) bool { return isTLSError(err) || speaksOtherDialect(err) }, exitRefused},
	{isLocalFile, exitUsage},
	{raised(isNotFound), exitNotFound},
	{raised(isRefusal), exitRefused},
	{func(_ error, e *transport.Error) bool { return e.Remote }, exitFailed},
	// By a name server, say, beneath the error that none was found.
	{is(transport.ErrUnauthenticated, transport.ErrPermissionDenied), exitRefused},
	{ofCode(transport.CodeNotFound), exitNotFound},
	{ofCode(transport.CodeUnavailable, transport.CodeDeadlineExceeded, transport.CodeCanceled), exitUnreachable},
	{ofCode(transport.CodePermissionDenied, transport.CodeUnauthenticated, transport.CodeResourceExhausted), exitRefused},
	// An argument that cannot be encoded.
	{func(_ error, e *transport.Error) bool { return e.Code == transport.CodeInvalidArgument && e.NotSent }, exitUsage},
}

// exitCode decides what a command that ended with err exits with.
func exitCode(err error) int {
	e := transport.AsError(err)
	for _, f := range failures {
		if f.is(err, e) {
			return f.code
		}
	}
	return exitFailed
}

func isA[E error](err error, _ *transport.Error) bool {
	_, is := errors.AsType[E](err)
	return is
}

func is(targets ...error) func(error, *transport.Error) bool {
	return func(err error, _ *transport.Error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
}

func ofCode(codes ...transport.Code) func(error, *transport.Error) bool {
	return func(_ error, e *transport.Error) bool { return slices.Contains(codes, e.Code) }
}

// raised restricts a kind to exceptions of the other end.
func raised(is func(e *transport.Error) bool) func(error, *transport.Error) bool {
	return func(_ error, e *transport.Error) bool { return e.Remote && is(e) }
}

// cannotMakeSocket recognises a unix socket that could not be made where its path says.
func cannotMakeSocket(err error, _ *transport.Error) bool {
	failed, ok := errors.AsType[*service.ListenError](err)
	return ok && failed.Network == "unix" && filecheck.Socket(failed.Address) != nil
}

// cannotListen recognises an address that a server here could not take: it is another program's, needs a right, or is none of
// this machine's.
func cannotListen(err error, e *transport.Error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	return isA[*service.ListenError](err, e) || ok && failed.Op == "listen"
}

// isLocalFile recognises a file here that could not be opened or made.
func isLocalFile(err error, e *transport.Error) bool {
	failed, ok := errors.AsType[*fs.PathError](err)
	return ok && !e.Remote && failed.Op != "read" && failed.Op != "write"
}

// isNotFound and isRefusal look for exceptions that Pyro's own code raises where a method was not even reached.
func isNotFound(e *transport.Error) bool { // NamingError, unknown object
	return ofPyro(e) && e.Code == transport.CodeNotFound
}

func isRefusal(e *transport.Error) bool {
	return ofPyro(e) && (e.Code == transport.CodePermissionDenied || strings.Contains(e.Message, "not accepted")) ||
		e.Class == "builtins.AttributeError" && strings.HasPrefix(e.Message, "attempt to access ")
}

func ofPyro(e *transport.Error) bool {
	return strings.HasPrefix(e.Class, "Pyro4.errors.") || strings.HasPrefix(e.Class, "Pyro5.errors.")
}

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
