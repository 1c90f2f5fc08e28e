package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinned marks, in the environment, the program that has been started anew on one core.
const pinned = "PYROKIT_BENCH_PINNED"

// pin starts the program anew on the first core it may use, with all the processes it will start:
// only a fresh process has every thread there, and GOMAXPROCS from it.
func pin(how string) error {
	switch {
	case how == pinNone || os.Getenv(pinned) != "":
		return nil
	case how != pinOne:
		return errors.New("-pin is none or one")
	}
	runtime.LockOSThread()
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	first := 0
	for !allowed.IsSet(first) {
		first++
	}
	one.Set(first)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), pinned+"=1"))
}
