// Package bind stores what a serializer reads in typed Go values, and walks Go values for a
// serializer to write.
//
// A serializer implements [Source] to be read from and [Sink] to be written to; everything about Go
// types, tags, classes and paths in errors is here, once. The package knows no encoding.
package bind
