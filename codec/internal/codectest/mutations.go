package codectest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// Mutations changes seeds in n ways that attackers and broken peers would, and reads each message as a
// value, into a type and as a call. None may panic, change the message, take five seconds, or allocate
// more than 256 times its length and a fixed sum; the errors are those of readers.
//
// Message i is the same in every run. PYROKIT_MUTATIONS, a number, replaces n.
func Mutations(t *testing.T, c codec.Codec, seeds [][]byte, n int) {
	t.Helper()
	if text := os.Getenv("PYROKIT_MUTATIONS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal("PYROKIT_MUTATIONS is no number: ", err)
		}
	}
	m := &mutator{t: t, c: c, seeds: seeds, samples: samples(t, c)}
	m.ways = m.allWays()
	m.random = rand.New(&m.source)
	for _, data := range slices.Concat(m.seeds, m.samples) {
		_ = m.readAll(data) // what is made once does not count
	}
	const batch = 256
	for first := 0; first < n; first += batch {
		m.batch(first, min(batch, n-first))
	}
}

// What reading one message may allocate and take.
const (
	mostPerByte = 256
	mostFixed   = 4 << 20 // a mebibyte for destinations, and what references of a pickle may make, each time that it is read
	mostTime    = 5 * time.Second
)

// mutator makes messages and reads them.
type mutator struct {
	t       *testing.T
	c       codec.Codec
	seeds   [][]byte // short, mostly, and odd
	samples [][]byte // of some length, and valid
	source  rand.PCG
	random  *rand.Rand
	text    []byte // the message being made
	ways    []way
}

// A way is a way to read a message.
type way struct {
	name string
	read func(data []byte) error
}

// batch reads n messages. Memory and time are measured of all of them, which is quick; only where they
// might hide one that takes too much, of each.
func (m *mutator) batch(first, n int) {
	m.t.Helper()
	messages := make([][]byte, n)
	total := 0
	for i := range messages {
		messages[i] = slices.Clone(m.message(first + i))
		total += len(messages[i])
	}
	const usual, slack = 64, 1 << 20 // what need not be looked at: for each byte, read in all ways, and in all
	hang := time.AfterFunc(time.Minute, func() {
		panic(fmt.Sprintf("the messages from %d to %d are not read within a minute", first, first+n-1))
	})
	defer hang.Stop()
	begin := time.Now()
	used := Allocated(func() {
		for i, data := range messages {
			m.guard(first+i, data)
		}
	})
	if used <= uint64(usual*total+slack) && time.Since(begin) < mostTime {
		return
	}
	for i, data := range messages {
		m.measure(first+i, data)
	}
}

// guard reads message i and ends the test if that panics, changes the message or fails otherwise than
// readers do.
func (m *mutator) guard(i int, data []byte) {
	m.t.Helper()
	before := string(data)
	defer func() {
		if r := recover(); r != nil {
			m.t.Fatalf("message %d, %q: panic: %v\n%s", i, before, r, debug.Stack())
		}
	}()
	if err := m.readAll(data); err != nil {
		m.t.Fatalf("message %d, %q: %T: %v", i, before, err, err)
	}
	if string(data) != before {
		m.t.Fatalf("message %d, %q: it was changed", i, before)
	}
}

// measure reads message i in each way by itself.
func (m *mutator) measure(i int, data []byte) {
	m.t.Helper()
	for _, w := range m.ways {
		begin := time.Now()
		used := Allocated(func() { _ = w.read(data) })
		if most := mostPerByte*len(data) + mostFixed; used > uint64(most) {
			m.t.Fatalf("message %d, %q, read as %s: %d bytes allocated, more than %d", i, data, w.name, used, most)
		}
		if took := time.Since(begin); took > mostTime {
			m.t.Fatalf("message %d, %q, read as %s: it took %s", i, data, w.name, took)
		}
	}
}

// readAll reads data in all ways and returns an error that is none of a reader's.
func (m *mutator) readAll(data []byte) error {
	for _, w := range m.ways {
		if err := w.read(data); err != nil && !isReadError(err) {
			return fmt.Errorf("read as %s: %w", w.name, err)
		}
	}
	return nil
}

func (m *mutator) allWays() []way {
	into := func(name string, dst func() any, o *codec.Options) way {
		return way{name, func(data []byte) error { return m.c.Unmarshal(data, dst(), o) }}
	}
	other := &codec.Options{OrderedDicts: true, KeepBytesDict: true, ShareInput: true, Lenient: true}
	return []way{
		into("any", func() any { return new(any) }, nil),
		into("any in other ways", func() any { return new(any) }, other),
		into("struct", func() any { return new(everything) }, nil),
		into("slices", func() any { return new([][]pair) }, nil),
		into("maps", func() any { return new(map[string]map[any][]byte) }, other),
		into("bytes", func() any { return new([][]byte) }, nil),
		into("arrays", func() any { return new([][2]*everything) }, nil),
		into("many maps", func() any { return new([]map[string]struct{ A, B everything }) }, nil),
		into("value", func() any { return new(codec.Value) }, nil),
		{"call", m.readCall},
	}
}

// readCall reads data as a call, and as a batch of calls.
func (m *mutator) readCall(data []byte) error {
	h, err := m.c.OpenCall(data, nil)
	if err != nil {
		return err
	}
	if err := m.c.DecodeArgs(h, &anySink{}, nil); err != nil && !isReadError(err) {
		return err
	}
	for entry, err := range m.c.OpenBatch(h, nil) {
		if err != nil {
			return err
		}
		if err := m.c.DecodeArgs(entry, &anySink{}, nil); err != nil && !isReadError(err) {
			return err
		}
	}
	return nil
}

// isReadError reports whether err is one of those that readers of values return.
func isReadError(err error) bool {
	var (
		syntax *codec.SyntaxError
		typ    *codec.TypeError
		limit  *codec.LimitError
		class  *codec.ClassError
	)
	return errors.As(err, &syntax) || errors.As(err, &typ) || errors.As(err, &limit) || errors.As(err, &class)
}

// samples returns values of the types that messages are read into, and calls with them.
func samples(t *testing.T, c codec.Codec) [][]byte {
	t.Helper()
	all := sample()
	values := []any{
		samplePortfolio(), all,
		[]any{all, &all},
		all.Pairs,
		[][]pair{all.Pairs, nil, all.Pairs},
		sampleTree(),
		map[string]any{"a": []any{nil, true, 1, int64(-1 << 40), 2.5, "x", codec.Tuple{}}, "b": map[string]any{}},
		codec.NewDict("state", codec.Tuple{"PYRO", "obj", nil, "localhost", 5}, "__class__", "Pyro5.core.URI"),
		codec.NewDict("__class__", "builtins.ValueError", "__exception__", true, "args", codec.Tuple{"no"}, "attributes", codec.NewDict()),
	}
	out := CallSeeds(t, c)
	for _, v := range values {
		data, err := c.Append(nil, v, nil)
		require.NoError(t, err)
		call, err := c.AppendCall(nil, "obj", "method", []any{v, "x"}, false, codec.Kwargs{"k": v}, nil)
		require.NoError(t, err)
		out = append(out, data, call)
	}
	for _, v := range []any{ // what not every serializer has
		[]byte("bytes, and more of them"),
		complex(1, -2),
		codec.NewSet(1, "a", codec.Tuple{2.5}),
		codec.NewFrozenSet(1),
		codec.NewDict(1, "a", codec.Tuple{1, "b"}, nil, 2.5, []byte("c")),
		[]any{[]byte("a"), 1i, []byte("b")},
	} {
		if data, err := c.Append(nil, v, nil); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// longest is the length of a message, beyond which it is cut.
const longest = 16 << 10

// message makes message i: a seed with a few changes. It is valid until the next call.
func (m *mutator) message(i int) []byte {
	m.source.Seed(uint64(i), 0x5059524f)
	m.text = append(m.text[:0], m.seed()...)
	for range 1 + m.random.IntN(1+m.random.IntN(5)) {
		m.change()
		m.text = m.text[:min(len(m.text), longest)]
	}
	return m.text
}

func (m *mutator) seed() []byte {
	from := m.seeds
	if m.random.IntN(2) == 0 {
		from = m.samples
	}
	return from[m.random.IntN(len(from))]
}

// span returns a part of b.
func (m *mutator) span(b []byte) (from, to int) {
	from = m.random.IntN(len(b) + 1)
	return from, from + m.random.IntN(len(b)-from+1)
}

// change changes the message in one of the ways that are known to hurt.
func (m *mutator) change() {
	b := m.text
	if len(b) == 0 {
		m.text = append(m.text, m.seed()...)
		return
	}
	at := m.random.IntN(len(b))
	switch m.random.IntN(10) {
	case 0: // a bit
		b[at] ^= 1 << m.random.IntN(8)
	case 1: // a byte
		b[at] = byte(m.random.Uint32())
	case 2: // a byte that stands elsewhere, where it means something
		b[at] = b[m.random.IntN(len(b))]
	case 3: // more bytes
		m.text = slices.Insert(b, at, m.some()...)
	case 4: // fewer
		from, to := m.span(b)
		m.text = slices.Delete(b, from, min(to, from+1+m.random.IntN(8)))
	case 5: // a length
		m.blowUp(b[at:])
	case 6: // the beginning of one, the end of another
		other := m.seed()
		m.text = append(m.text[:at], other[m.random.IntN(len(other)+1):]...)
	case 7: // a part again and again
		m.repeat()
	case 8: // a part of another in the middle
		other := m.seed()
		from, to := m.span(other)
		m.text = slices.Insert(b, at, other[from:to]...)
	case 9: // the beginning alone
		m.text = b[:at]
	}
}

// some returns a few bytes, of one kind or another.
func (m *mutator) some() []byte {
	out := make([]byte, 1+m.random.IntN(16))
	same := byte(m.random.Uint32())
	for i := range out {
		out[i] = same
		if len(out)%2 == 0 {
			out[i] = byte(m.random.Uint32())
		}
	}
	return out
}

// blowUp writes a number that is too large in one of the ways that formats have, over what b begins
// with: binary, of either order, or digits.
func (m *mutator) blowUp(b []byte) {
	large := [...]uint64{0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	n := large[m.random.IntN(len(large))]
	var field [8]byte
	switch m.random.IntN(3) {
	case 0:
		binary.LittleEndian.PutUint64(field[:], n)
	case 1:
		binary.BigEndian.PutUint64(field[:], n)
	case 2:
		copy(field[:], "99999999")
	}
	size := 1 << m.random.IntN(4)
	from := 0
	if m.random.IntN(2) == 0 {
		from = len(field) - size // where the low bytes are in big-endian order
	}
	copy(b, field[from:from+size])
}

// repeat writes a part of the message several times.
func (m *mutator) repeat() {
	from, to := m.span(m.text)
	to = min(to, from+1+m.random.IntN(32))
	times := 1 << m.random.IntN(11)
	part := bytes.Repeat(m.text[from:to], min(times, longest/max(to-from, 1)))
	m.text = slices.Insert(m.text, from, part...)
}
