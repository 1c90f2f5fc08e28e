package pyro

import "syscall"

const (
	tcpUserTimeout = 18     // TCP_USER_TIMEOUT, which package syscall does not have
	unacknowledged = 60_000 // milliseconds
)

// limitSilence has the system end a connection whose peer acknowledges nothing any more. By default that
// takes a quarter of an hour.
func limitSilence(network, _ string, c syscall.RawConn) error {
	if len(network) < len("tcp") || network[:len("tcp")] != "tcp" {
		return nil
	}
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unacknowledged) // without it all goes on as it did
	})
}
