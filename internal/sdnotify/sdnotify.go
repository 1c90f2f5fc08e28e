// Package sdnotify tells systemd how a unit of Type=notify is doing, as sd_notify(3) does. That of go-systemd has no time
// limit, and a program must not wait forever for a systemd that is stuck.
package sdnotify

import (
	"fmt"
	"net"
	"os"
	"time"
)

// What there is to tell.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
)

// patience is how long systemd may take to take it.
const patience = time.Second

// Notify sends state to the socket that the variable NOTIFY_SOCKET names. Without it nobody wants to know.
func Notify(state string) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	if err := send(socket, state); err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	return nil
}

func send(socket, state string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}
