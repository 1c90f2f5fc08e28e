// A client of the file server: it fetches a file in both ways and prints its checksums.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"os"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: client URI FILE")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

// keep is a middleware that keeps the annotation FDAT of the last reply.
func keep(piece *[]byte) transport.Middleware {
	return transport.Middleware{Name: "keep", Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			reply, err := next(ctx, call)
			if err == nil {
				*piece, _ = reply.Header.Annotations.Get("FDAT")
			}
			return reply, err
		}
	}}
}

func run(ctx context.Context, uri, name string) error {
	var annotation []byte
	files, err := service.Connect(uri, service.Use(keep(&annotation)))
	if err != nil {
		return err
	}
	defer files.Close()

	hash, size := sha256.New(), 0
	for piece, err := range service.Stream[[]byte](ctx, files, "read", name) {
		if err != nil {
			return err
		}
		hash.Write(piece)
		size += len(piece)
	}
	fmt.Printf("iterator:    %d bytes, %x\n", size, hash.Sum(nil))

	hash, size = sha256.New(), 0
	for progress, err := range service.Stream[progress](ctx, files, "annotated", name) {
		if err != nil {
			return err
		}
		hash.Write(annotation)
		size += len(annotation)
		if crc32.ChecksumIEEE(annotation) != progress.Checksum || size != progress.Position {
			return errors.New("a piece is damaged")
		}
	}
	fmt.Printf("annotations: %d bytes, %x\n", size, hash.Sum(nil))
	return nil
}

// A progress is a tuple in Python.
type progress struct {
	_        struct{} `pyro:",tuple"`
	Position int
	Checksum uint32
}
