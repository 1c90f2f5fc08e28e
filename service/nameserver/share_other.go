//go:build !unix

package nameserver

import "syscall"

// shareAddress does nothing: elsewhere the option lets others take an address away.
func shareAddress(string, string, syscall.RawConn) error { return nil }
