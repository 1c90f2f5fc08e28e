//go:build !unix

package program

import "os"

// notifyHangup does nothing: there is no SIGHUP here.
func notifyHangup(chan<- os.Signal) {}
