package servicetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyrokit/pyrokit/transport"
)

// RequireRemote ends the test unless err is an exception of class that a remote object raised, and returns
// it. A class without a module, as in "ValueError" and "NamingError", is that class of any module, so of
// either dialect; "builtins.ValueError" is just that one.
func RequireRemote(t testing.TB, err error, class string) *transport.Error {
	t.Helper()
	e, ok := errors.AsType[*transport.Error](err)
	switch {
	case err == nil:
		t.Fatalf("no error, want the exception %s", class)
	case !ok || !e.Remote:
		t.Fatalf("want the exception %s, got an error of this side: %v", class, err)
	case e.Class != class && e.Class[strings.LastIndex(e.Class, ".")+1:] != class:
		t.Fatalf("want the exception %s, got %s: %v", class, e.Class, err)
	}
	return e
}
