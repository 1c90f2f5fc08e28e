package pyro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

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

// inflateRatio is how many times as long as its data a payload may be for which memory is taken before its
// length is known.
const inflateRatio = 4

// An inflater reads zlib's format, one payload after the other.
type inflater struct {
	in bytes.Reader
	r  io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return &inflater{} }}

// open begins to read data.
func (i *inflater) open(data []byte) (err error) {
	i.in.Reset(data)
	if z, ok := i.r.(zlib.Resetter); ok {
		return z.Reset(&i.in, nil)
	}
	i.r, err = zlib.NewReader(&i.in)
	return err
}

// inflate returns what deflate made data of, up to limit bytes. It takes no more memory than a small multiple
// of data and what is returned: a payload that is many times as long as its data is measured before there is
// memory for it. That is what reserve is called for, with its length; it may be nil.
func inflate(data []byte, limit int64, reserve func(n int64) error) ([]byte, error) {
	i, _ := inflaters.Get().(*inflater)
	defer func() {
		i.in.Reset(nil)
		inflaters.Put(i)
	}()
	if err := i.open(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	out, more, err := i.short(make([]byte, 0, min(limit, inflateRatio*int64(len(data)))+1))
	if err != nil || !more && int64(len(out)) <= limit {
		return out, err
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(i.r, limit-int64(len(out))+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	n := int64(len(out)) + rest
	if n > limit {
		return nil, fmt.Errorf("%w: %w", errInflate,
			&codec.LimitError{What: "inflated message", Limit: limit, Option: "MaxInflatedSize"})
	}
	if reserve != nil {
		if err := reserve(n); err != nil {
			return nil, err
		}
	}
	return i.again(data, n)
}

// short reads what fits into out, and tells whether there is more.
func (i *inflater) short(out []byte) (_ []byte, more bool, err error) {
	for len(out) < cap(out) {
		n, err := i.r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if errors.Is(err, io.EOF) {
			return out, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("%w: %w", errInflate, err)
		}
	}
	return out, true, nil
}

// again reads the n bytes that data was found to hold.
func (i *inflater) again(data []byte, n int64) ([]byte, error) {
	if err := i.open(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(i.r, out); err != nil {
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	}
	return out, nil
}

const (
	// inflateTogether is how many payloads of the greatest size a server keeps inflated at a time.
	inflateTogether = 4
	// inflateAlways is the size up to which that does not matter.
	inflateAlways = 1 << 20
	// inflatePatience is how long a request waits for room to inflate it.
	inflatePatience = 30 * time.Second
)

// inflateRoom bounds the payloads that a server has inflated, beside what their data took on the wire: a
// few bytes stand for many there, and each connection may send them.
type inflateRoom struct {
	mu    sync.Mutex
	size  int64
	free  int64         // negative where the room has become smaller than what is in it
	freed chan struct{} // closed when there is more
}

func newInflateRoom(limit int64) *inflateRoom {
	return &inflateRoom{size: roomFor(limit), free: roomFor(limit), freed: make(chan struct{})}
}

// take waits until there are n bytes, or nobody else has any: the room may have become smaller than the limit of an older
// connection. Who waits too long has a LimitError.
func (r *inflateRoom) take(ctx context.Context, n int64) error {
	late := &codec.LimitError{What: "messages inflated at a time", Limit: inflateTogether, Option: "MaxInflatedSize"}
	ctx, cancel := context.WithTimeoutCause(ctx, inflatePatience, late)
	defer cancel()
	for {
		r.mu.Lock()
		freed, ok := r.freed, r.free >= min(n, r.size)
		if ok {
			r.free -= n
		}
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// roomFor returns how many bytes there is room for where the greatest size is limit, which may be as good as none.
func roomFor(limit int64) int64 { return inflateTogether * min(limit, math.MaxInt64/inflateTogether) }

// resize changes the greatest size. Who has more than there is room for keeps it.
func (r *inflateRoom) resize(limit int64) {
	r.mu.Lock()
	more := roomFor(limit) - r.size
	r.size += more
	r.mu.Unlock()
	r.give(more)
}

// give returns n bytes.
func (r *inflateRoom) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += n
	close(r.freed)
	r.freed = make(chan struct{})
}
