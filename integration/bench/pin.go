package main

// What -pin takes.
const (
	pinNone = "none"
	pinOne  = "one"
)
