// A file server: it sends the files of one folder, piece by piece, in two ways.
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

const pieceSize = 60000 // Pyro4's annotations hold no more than 64 KiB

// files are those of one folder: an os.Root opens nothing outside of it.
type files struct{ root *os.Root }

// Read yields the pieces of a file.
func (f files) Read(name string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		file, err := f.root.Open(name)
		if err != nil {
			yield(nil, err) // FileNotFoundError in Python
			return
		}
		defer file.Close() // also when the caller has enough
		piece := make([]byte, pieceSize)
		for {
			n, err := file.Read(piece)
			if err == io.EOF {
				return
			}
			if !yield(piece[:n], err) || err != nil {
				return
			}
		}
	}
}

// A progress is a tuple in Python: how far it is, and the CRC-32 of this piece.
type progress struct {
	_        struct{} `pyro:",tuple"`
	Position int
	Checksum uint32
}

// Annotated yields how far it is. The pieces themselves go along as annotations, which no serializer touches.
func (f files) Annotated(ctx context.Context, name string) iter.Seq2[progress, error] {
	return func(yield func(progress, error) bool) {
		position := 0
		for piece, err := range f.Read(name) {
			if err != nil {
				yield(progress{}, err)
				return
			}
			position += len(piece)
			transport.FromContext(ctx).Response.Set("FDAT", piece)
			if !yield(progress{Position: position, Checksum: crc32.ChecksumIEEE(piece)}, nil) {
				return
			}
		}
	}
}

func main() {
	listen := flag.String("listen", "localhost:0", "address to listen on")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: server [-listen HOST:PORT] FOLDER")
	}
	root, err := os.OpenRoot(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	srv := service.NewServer(service.Listen("tcp", *listen))
	if err := srv.Add(service.Of(files{root}).Named("example.filetransfer")); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Ready. Object uri =", srv.URI("example.filetransfer"))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}
