// Command protodoc writes the reference of the configuration from its .proto files.
//
//	protodoc service/config/schema.binpb.gz docs/reference.md
//
// It knows what a .proto file says: comments, types, the option default, the rules of protovalidate. A rule that it has
// no words for is an error, so that none is left out in silence.
package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"os"
	"text/template"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

//go:embed reference.md.tmpl
var page string

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: protodoc SET PAGE: a gzipped FileDescriptorSet with comments, and the file to write")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "protodoc:", err)
		os.Exit(1)
	}
}

func run(set, page string) error {
	data, err := unzip(set)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := write(data, &out); err != nil {
		return err
	}
	return os.WriteFile(page, out.Bytes(), 0o644) //nolint:gosec // a page is for everybody
}

func unzip(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the paths are the arguments
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(r)
}

// write writes the reference of an encoded descriptor set.
func write(set []byte, w io.Writer) error {
	var files descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(set, &files); err != nil {
		return fmt.Errorf("read the descriptor set: %w", err)
	}
	// What the files import is not in the set: it is known by name.
	registry, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(&files)
	if err != nil {
		return fmt.Errorf("read the descriptor set: %w", err)
	}
	doc, err := read(registry)
	if err != nil {
		return err
	}
	return template.Must(template.New("reference").Parse(page)).Execute(w, doc)
}
