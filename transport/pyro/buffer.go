package pyro

import "sync"

const (
	// frameBuffer is the size of the buffers that single messages are built and kept in.
	frameBuffer = 1 << 10
	// streamBuffer is the size of those that connections read into and gather replies in: it holds
	// what some hundred callers have to say at once.
	streamBuffer = 32 << 10
)

// A buffer is a pooled slice; whoever got it owns it until it puts it back.
type buffer = *[]byte

// maxPooled is how many times as large as its size a buffer may become without being lost to its pool.
const maxPooled = 32

// A bufferPool holds buffers that begin with a size, and those that grew to no more than maxPooled times
// as much.
type bufferPool struct {
	size int
	pool sync.Pool
}

var (
	framePool  = bufferPool{size: frameBuffer}
	streamPool = bufferPool{size: streamBuffer}
)

func (p *bufferPool) get() buffer {
	if b, ok := p.pool.Get().(buffer); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, p.size)
	return &b
}

func (p *bufferPool) put(b buffer) {
	if b != nil && cap(*b) >= p.size && cap(*b) <= maxPooled*p.size {
		p.pool.Put(b)
	}
}
