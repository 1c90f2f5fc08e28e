//go:build !linux

package main

import "errors"

func pin(how string) error {
	if how != pinNone {
		return errors.New("-pin works on Linux only")
	}
	return nil
}
