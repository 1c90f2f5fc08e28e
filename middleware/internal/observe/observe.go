// Package observe has what the middlewares that watch calls share: metrics, logging, tracing and the
// watchdog.
//
// It looks at calls and their errors and changes nothing.
package observe

import (
	"context"
	"errors"
	"strings"

	"github.com/pyrokit/pyrokit/transport"
)

// OK is what CodeName gives for success.
const OK = "ok"

// OnServer reports whether peer is who a server answers. Only servers have sessions, and a client's call has no
// peer until there is a connection.
func OnServer(peer *transport.Peer) bool { return peer != nil && peer.Session != nil }

// Code returns the code of err; 0 for nil.
func Code(err error) transport.Code {
	if err == nil {
		return 0
	}
	return transport.AsError(err).Code
}

// CodeName returns the name of a code, or OK for 0.
func CodeName(c transport.Code) string {
	if c == 0 {
		return OK
	}
	return c.String()
}

// Recognized tells whether object and method of a call that ended with err are there. What a peer makes up is
// not to become a label or a name. On a server a call that was refused before anybody looked for its method
// does not count as recognized.
func Recognized(ctx context.Context, call *transport.Call, err error) bool {
	if err == nil {
		return true
	}
	e, ok := errors.AsType[*transport.Error](err)
	if ok && (e.NoSuchMember || unknownObject(e)) {
		return false
	}
	if !OnServer(call.Peer) {
		return true // the program's own words
	}
	if call.Fetch != nil {
		return true // the stream is there, so is the method that made it
	}
	info := transport.FromContext(ctx)
	return info != nil && info.Service != nil
}

func unknownObject(e *transport.Error) bool {
	return strings.HasSuffix(e.Class, ".DaemonError") && e.Code == transport.CodeNotFound
}
