package pyro

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/pyrokit/pyrokit/codec"
)

// compressionLevel is Pyro5's; Pyro4's default of 6 gains little over it and costs more time.
const compressionLevel = 4

type deflater struct {
	out bytes.Buffer
	w   *zlib.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := &deflater{}
	d.w, _ = zlib.NewWriterLevel(&d.out, compressionLevel) // fails only of a bad level
	return d
}}

// deflate returns data in zlib's format.
func deflate(data []byte) []byte {
	d, _ := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.w.Reset(&d.out)
	_, _ = d.w.Write(data) // a bytes.Buffer takes everything
	_ = d.w.Close()
	return bytes.Clone(d.out.Bytes())
}

// errInflate marks a payload that is not what its COMPRESSED flag says.
var errInflate = errors.New("cannot decompress the payload")

// inflate returns what deflate made data of, up to limit bytes. It takes no more memory than the
// data turns out to need.
func inflate(data []byte, limit int64) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	defer r.Close()
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: %w", errInflate,
			&codec.LimitError{What: "inflated message", Limit: limit, Option: "MaxInflatedSize"})
	}
	return out.Bytes(), nil
}
