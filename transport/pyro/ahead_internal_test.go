package pyro

import (
	"context"
	"encoding/hex"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// aStream returns a connection with a stream that the server sends ahead, and the number of its request.
func aStream(t *testing.T) (*Conn, *ahead) {
	t.Helper()
	c := &Conn{o: wireOptions{dialect: codec.Pyro5}, kit: ownFeatures}
	a := &ahead{id: "id", window: firstWindow}
	p := &pending{seq: 1, ahead: a, wake: make(chan struct{}, 1)}
	require.False(t, c.calls.taken(1))
	c.fileAhead(p)
	a.waiters = nil
	return c, a
}

func TestAServerMaySendNoMoreThanThereIsRoomFor(t *testing.T) {
	tests := map[string]struct {
		size, before int // items of a size that are taken
	}{
		"items": {size: 1, before: firstWindow},
		"bytes": {size: windowBytes/2 + 1, before: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, a := aStream(t)
			item := frame{dialect: codec.Pyro5, typ: msgResult, flags: flagItemStream, seq: 1, payload: make([]byte, tt.size)}
			for range tt.before {
				require.NoError(t, c.deliver(item))
			}
			require.Len(t, a.items, tt.before)
			require.ErrorContains(t, c.deliver(item), "no room")
			last := item
			last.flags = flagException
			require.NoError(t, c.deliver(last), "the end needs no room")
			require.ErrorContains(t, c.deliver(last), "which no call has")
		})
	}
}

// A call that was made the leader, then finished by somebody else, and at last given up hands the role on.
func TestWhoIsDoneDoesNotKeepTheRole(t *testing.T) {
	c, a := aStream(t)
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	c.nc, c.reader = near, newFrameReader(near, &c.o)
	p := &pending{wake: make(chan struct{}, 1), ahead: a, pool: &c.pool}
	a.waiters = []*pending{p}
	c.enqueue(p)
	c.promote()
	require.Same(t, p, c.leader)
	c.pouring, c.abandoned = 1, -1 // nothing else is to come
	require.True(t, c.dropAhead("id"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, c.giveUp(ctx, p))
	require.Nil(t, c.leader)
}

// What comes as items, in whatever order and of whatever kind, breaks nothing and is kept within bounds.
func FuzzItemsAhead(f *testing.F) {
	f.Add("000102030400", 3)
	f.Fuzz(func(t *testing.T, steps string, size int) {
		raw, err := hex.DecodeString(steps)
		if err != nil || size < 0 || size > windowBytes {
			return
		}
		c, a := aStream(t)
		for _, step := range raw {
			switch step % 6 {
			case 0, 1:
				err = c.deliver(frame{flags: flagItemStream, seq: 1, payload: make([]byte, size)})
			case 2:
				err = c.deliver(frame{flags: flagException | flagItemStream, seq: 1})
			case 3:
				if a.next < len(a.items) && !a.closed {
					c.pop(a, &pending{})
				}
			case 4:
				if !a.closed && c.queueMore(a) {
					c.writing, c.out = false, c.out[:0]
				}
			case 5:
				c.leader = &c.drainer // nobody has to be found to read
				c.dropAhead("id")
				c.writing, c.out = false, c.out[:0]
			}
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(a.items)-a.next, maxWindow)
			require.LessOrEqual(t, len(a.data), 2*(windowBytes+size))
			require.GreaterOrEqual(t, c.pouring, 0)
			require.GreaterOrEqual(t, c.abandoned, 0)
		}
	})
}

// Who is always a little behind does not have all of the stream kept.
func TestItemsThatWereTakenAreDropped(t *testing.T) {
	for name, sizes := range map[string][]int{"small": {10}, "none": {0}, "large and small": {40_000, 1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			c, a := aStream(t)
			item := func(i int) frame {
				payload := make([]byte, sizes[i%len(sizes)])
				if len(payload) > 0 {
					payload[0] = byte(i)
				}
				return frame{dialect: codec.Pyro5, flags: flagItemStream, seq: 1, payload: payload}
			}
			const behind = 3
			for i := range 10_000 {
				require.NoError(t, c.deliver(item(i)))
				if i >= behind {
					p := &pending{}
					c.pop(a, p)
					require.Equal(t, string(item(i-behind).payload), string(p.frame.payload))
					c.queueMore(a)
					c.writing, c.out = false, c.out[:0]
				}
			}
			require.LessOrEqual(t, cap(a.items), 32)
			require.LessOrEqual(t, cap(a.data), 4*windowBytes)
		})
	}
}
