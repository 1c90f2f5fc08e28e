//go:build unix

package nameserver

import "syscall"

// shareAddress lets another name server of this machine answer broadcasts, too, as Python's do (SOCK_REUSE).
func shareAddress(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
