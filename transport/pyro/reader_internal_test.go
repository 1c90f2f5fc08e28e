package pyro

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// A connection that is idle holds no buffer, where it has no descriptor to wait on, either (TLS, memory). However a message
// arrives then, it is whole.
func TestAReaderThatWaitsHoldsNoBuffer(t *testing.T) {
	for _, parts := range [][]int{nil, {1}, {headerSize5}, {headerSize5 + 1}, {1, 2, headerSize5}} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			peer := newEnd(t, far, codec.Pyro5)
			message := peer.call(7, "method", 0)
			fr := newFrameReader(near, &peer.o)
			for range 2 {
				var f frame
				var err error
				done := make(chan struct{})
				go func() {
					defer close(done)
					if err = fr.await(); err == nil {
						f, err = fr.next()
					}
				}()
				synctest.Wait()
				require.Nil(t, fr.buf)
				begin := 0
				for _, end := range append(parts, len(message)) {
					peer.write(message[begin:end])
					begin = end
				}
				<-done
				require.NoError(t, err)
				require.Equal(t, uint16(7), f.seq)
				require.Equal(t, "('o','method',(),{})", string(f.payload))
			}
			require.NoError(t, near.Close())
			require.NoError(t, far.Close())
		})
	}
}
