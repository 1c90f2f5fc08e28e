package pyro

import "sync"

// smallBuffer is the size of the buffers that connections read into and write from; larger messages
// get buffers of their own, which are not pooled beyond maxPooled.
const (
	smallBuffer = 8 << 10
	maxPooled   = 64 << 10
)

var bufferPool = sync.Pool{New: func() any {
	b := make([]byte, 0, smallBuffer)
	return &b
}}

// A buffer is a pooled slice; whoever got it owns it until it puts it back.
type buffer = *[]byte

func getBuffer() buffer {
	b, _ := bufferPool.Get().(buffer)
	*b = (*b)[:0]
	return b
}

func putBuffer(b buffer) {
	if b != nil && cap(*b) <= maxPooled {
		bufferPool.Put(b)
	}
}
