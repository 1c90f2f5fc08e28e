//go:build !unix

package dbm

import "os"

// What stands here does without what only Unix has.

func lock(*os.File) error { return nil }

func isFull(error) bool { return false }

func isReadOnly(error) bool { return false }

func syncFolder(string) error { return nil }
