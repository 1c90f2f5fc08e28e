//go:build integration

package integration

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/valuegen"
)

// The flags of the tests whose names begin with TestValues. CONTRIBUTING.md says how to use them.
var (
	valuesCount = flag.Int("values.count", 100, "values that go each way with each serializer and dialect")
	valuesSeed  = flag.Uint64("values.seed", 0, "what the values are made from; 0 takes another each time")
)

// The tests run in a zone that is not UTC's, the Python processes too: naive datetimes travel by the local
// clock in msgpack.
func init() { //nolint:gochecknoinits // the zone is read from the environment once, at its first use
	if os.Getenv("TZ") == "" {
		_ = os.Setenv("TZ", "Europe/Berlin") // it fails for invalid names only
	}
}

// seeded returns the seed of a test's values, and prints it if the test fails. Package rapid makes
// checks values of each kind.
func seeded(t *testing.T, checks int) uint64 {
	t.Helper()
	seed := *valuesSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to see this again: -run %s -values.seed=%d -values.count=%d", t.Name(), seed, *valuesCount)
		}
	})
	for name, value := range map[string]string{
		"rapid.seed":       strconv.FormatUint(seed, 10),
		"rapid.checks":     strconv.Itoa(checks),
		"rapid.nofailfile": "true",
	} {
		require.NoError(t, flag.Set(name, value))
	}
	return seed
}

// A valuesPeer is a Python process that encodes and decodes with Pyro's own serializers.
type valuesPeer struct{ *peers.Process }

// eachCarrier runs a test for each serializer, dialect and version of pickle.
func eachCarrier(t *testing.T, test func(t *testing.T, x valuesPeer, c valuegen.Carrier)) {
	t.Helper()
	started := valuesPeers(t)
	for _, c := range valuegen.Carriers() {
		t.Run(c.String(), func(t *testing.T) { test(t, started[c.Dialect], c) })
	}
}

// valuesPeers starts a process of each dialect.
func valuesPeers(t *testing.T) map[codec.Dialect]valuesPeer {
	t.Helper()
	started := map[codec.Dialect]valuesPeer{}
	for _, d := range peers.Dialects {
		started[wire(d)] = valuesPeer{peers.StartFor(t, peers.Program{
			Script: "values.py", Args: []string{strconv.Itoa(int(d))}, Env: []string{"PYTHONHASHSEED=0"},
		})}
	}
	return started
}

// A valuesRequest is what integration/peers/values.py takes; what it does is said there.
type valuesRequest struct {
	Op         string   `json:"op"` // see, make, judge or call
	Serializer string   `json:"serializer"`
	Protocol   *int     `json:"protocol,omitempty"`   // of pickles
	BytesRepr  *bool    `json:"bytes_repr,omitempty"` // of Pyro5's serpent
	Data       [][]byte `json:"data,omitempty"`       // for see and judge; nil where Go wrote nothing
	Ordered    bool     `json:"ordered"`              // for judge: dicts keep their order

	// For make and call: which values.
	Seed  string `json:"seed,omitempty"`
	First int    `json:"first"`
	Count int    `json:"count,omitempty"`

	URI string `json:"uri,omitempty"` // for call
}

// of returns the request for a carrier's serializer.
func (r valuesRequest) of(c valuegen.Carrier) valuesRequest {
	r.Serializer = c.Serializer
	if c.Pickles() {
		r.Protocol = &c.Protocol
	}
	if c.Dialect == codec.Pyro5 {
		r.BytesRepr = &c.BytesRepr
	}
	return r
}

// A valueSeen is what Python made of a value that Go wrote.
type valueSeen struct {
	Value json.RawMessage `json:"value"` // described
	Error string          `json:"error"` // instead

	Again      []byte          `json:"again"` // as Python writes the value in return
	AgainError string          `json:"again_error"`
	Reads      json.RawMessage `json:"reads"` // what Python reads of that, described
}

// A valueMade is a value that Python made.
type valueMade struct {
	Data    []byte          `json:"data"`
	Repr    string          `json:"repr"`  // of the value before it was written
	Value   json.RawMessage `json:"value"` // what Python reads, described
	Error   string          `json:"error"` // instead
	Refused []string        `json:"refused"`
}

func (x valuesPeer) see(t require.TestingT, c valuegen.Carrier, data []byte) valueSeen {
	var answer struct {
		Seen []valueSeen `json:"seen"`
	}
	require.NoError(t, x.Ask(valuesRequest{Op: "see", Data: [][]byte{data}}.of(c), &answer))
	return answer.Seen[0]
}

func (x valuesPeer) make(t *testing.T, c valuegen.Carrier, seed uint64, first, count int) []valueMade {
	var answer struct {
		Made []valueMade `json:"made"`
	}
	request := valuesRequest{Op: "make", Seed: strconv.FormatUint(seed, 10), First: first, Count: count}
	require.NoError(t, x.Ask(request.of(c), &answer))
	return answer.Made
}

// judge has Python read what Go made of the values that were made last. It returns how often that called
// a class that is not known to be harmless.
func (x valuesPeer) judge(t *testing.T, c valuegen.Carrier, made []valueMade, data [][]byte, ordered bool) (calls int) {
	var answer struct {
		Verdicts []string `json:"verdicts"`
		Calls    int      `json:"calls"`
	}
	require.NoError(t, x.Ask(valuesRequest{Op: "judge", Data: data, Ordered: ordered}.of(c), &answer))
	require.Len(t, answer.Verdicts, len(made))
	for i, verdict := range answer.Verdicts {
		if verdict != "" {
			t.Errorf("%s\nof the value %s\nPython wrote %.500q\n    Go wrote %.500q", verdict, made[i].Repr, made[i].Data, data[i])
		}
	}
	return answer.Calls
}

// What Go writes is for Python's own serializers the value that it was, and what they write in return is
// so for Go.
func TestValuesThatGoMakes(t *testing.T) {
	seeded(t, *valuesCount)
	eachCarrier(t, func(t *testing.T, x valuesPeer, c valuegen.Carrier) {
		values := c.Values()
		rapid.Check(t, func(t *rapid.T) {
			v := values.Draw(t, "value")
			described, ordered := valuegen.Describe(v), true
			if typ := c.TypeFor(v, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }); typ.Kind() != reflect.Interface {
				typed, ok := valuegen.Convert(v, typ)
				require.True(t, ok)
				v, ordered = typed.Interface(), false // a map has no order
			}
			data, err := codecOf(t, c).Append(nil, v, c.Options())
			require.NoError(t, err, "writing %s", valuegen.Text(described))

			seen := x.see(t, c, data)
			require.Empty(t, seen.Error, "reading %.500q", data)
			same(t, c.Sent(described), parsed(t, seen.Value), ordered)
			if unwritable(c, seen.AgainError) {
				return
			}
			require.Empty(t, seen.AgainError)
			want := c.Arrives(parsed(t, seen.Reads))
			for _, o := range readOptions(c) {
				got := readValue(t, c, seen.Again, o)
				same(t, want, valuegen.Describe(got), o.OrderedDicts)
				require.Empty(t, valuegen.Ungeneric(got, o.OrderedDicts))
			}
		})
	})
}

// unwritable tells whether what Python raises is what its serializers always raise of what they read:
// marshal's writer knows instances only at the top, serpent's writes keys of bytes that it does not read,
// and json's knows no lone surrogates.
func unwritable(c valuegen.Carrier, raised string) bool {
	switch c.Serializer {
	case "marshal":
		return raised != "" // in many words
	case "serpent":
		return strings.Contains(raised, "unhashable type: 'dict'")
	case "json":
		return strings.Contains(raised, "surrogates not allowed")
	}
	return false
}

// What Python writes, Go reads as the value that Python itself reads, into an any and into types made
// for it; and what Go writes of it is the same value for Python.
func TestValuesThatPythonMakes(t *testing.T) {
	seed := seeded(t, *valuesCount)
	eachCarrier(t, func(t *testing.T, x valuesPeer, c valuegen.Carrier) {
		inBatches(*valuesCount, func(first, count int) {
			if t.Failed() {
				return // what failed is enough to look at
			}
			made := x.make(t, c, seed, first, count)
			var generic, tame, typed [][]byte
			for i, m := range made {
				a := answered(t, c, m, rand.New(rand.NewPCG(seed, uint64(first+i))))
				generic, tame, typed = append(generic, a.generic), append(tame, a.tame), append(typed, a.typed)
			}
			x.judge(t, c, made, generic, true)
			x.judge(t, c, made, typed, false)
			require.Zero(t, x.judge(t, c, made, tame, true), "pickles that call what is not known to be harmless")
		})
	})
}

// What a Python of one dialect writes, and Go writes again for the other dialect, is the same value there.
func TestValuesFromOneDialectToTheOther(t *testing.T) {
	seed := seeded(t, *valuesCount)
	started := valuesPeers(t)
	for _, from := range valuegen.Carriers() {
		to := from
		to.Dialect = codec.Pyro4 + codec.Pyro5 - from.Dialect
		if from.BytesRepr || codec.ID(to.Serializer, to.Dialect) == 0 {
			continue
		}
		t.Run(from.String(), func(t *testing.T) {
			inBatches(max(1, *valuesCount/callsShare), func(first, count int) {
				for _, m := range started[from.Dialect].make(t, from, seed, first, count) {
					if m.Error != "" {
						continue
					}
					ordered := from.Options()
					ordered.OrderedDicts = true
					v := readValue(t, from, m.Data, ordered)
					seen := started[to.Dialect].see(t, to, writeValue(t, to, v, m))
					require.Empty(t, seen.Error, m.Repr)
					same(t, to.Arrives(to.Renamed(parsed(t, m.Value))), to.Arrives(parsed(t, seen.Value)), true)
				}
			})
		})
	}
}

// inBatches calls fn for parts of count that Python can answer soon.
func inBatches(count int, fn func(first, count int)) {
	const batch = 200
	for first := 0; first < count; first += batch {
		fn(first, min(batch, count-first))
	}
}

// answers are the ways in which Go writes a value that it read: as it was in an any, without the calls that a
// pickle of it may take, and in a type made for it. They are nil where there is no such value.
type answers struct{ generic, tame, typed []byte }

// answered reads a value that Python made, compares it with what Python reads, and writes it again.
func answered(t *testing.T, c valuegen.Carrier, m valueMade, rnd *rand.Rand) (a answers) {
	t.Helper()
	var v any
	for _, o := range readOptions(c) {
		err := codecOf(t, c).Unmarshal(m.Data, &v, o)
		if err != nil {
			if m.Error == "" {
				t.Errorf("%v\nreading %s\nwhich is %.500q", err, m.Repr, m.Data)
			}
			return answers{}
		}
		if m.Error != "" {
			continue
		}
		if d := valuegen.Difference(c.Arrives(parsed(t, m.Value)), valuegen.Describe(v), o.OrderedDicts); d != "" {
			t.Errorf("%s\nreading %s\nwhich is %.500q", d, m.Repr, m.Data)
		}
	}
	a.generic = writeValue(t, c, v, m)
	a.tame, _ = codecOf(t, c).Append(nil, v, c.Options()) // it may be refused
	if m.Error != "" {
		return a
	}
	dst := reflect.New(c.TypeFor(v, rnd.IntN))
	if err := codecOf(t, c).Unmarshal(m.Data, dst.Interface(), c.Options()); err != nil {
		t.Errorf("%v\nreading %s\ninto a %T", err, m.Repr, dst.Interface())
		return a
	}
	if d := valuegen.Difference(valuegen.Describe(v), valuegen.Describe(dst.Elem().Interface()), false); d != "" {
		t.Errorf("%s\nreading %s\ninto a %T", d, m.Repr, dst.Interface())
	}
	a.typed = writeValue(t, c, dst.Elem().Interface(), m)
	return a
}

func writeValue(t *testing.T, c valuegen.Carrier, v any, m valueMade) []byte {
	t.Helper()
	o := c.Options()
	o.PickleCalls = true // the Python beside is ours
	data, err := codecOf(t, c).Append(nil, v, o)
	if err != nil && m.Error == "" {
		t.Errorf("%v\nwriting again %s\nwhich was read of %.500q", err, m.Repr, m.Data)
	}
	return data
}

// readOptions are different ways to read a value, the last of which keeps the order of dicts.
func readOptions(c valuegen.Carrier) []*codec.Options {
	shared, ordered := c.Options(), c.Options()
	shared.ShareInput = true
	ordered.OrderedDicts = true
	return []*codec.Options{c.Options(), shared, ordered}
}

func codecOf(t require.TestingT, c valuegen.Carrier) codec.Codec {
	serializer, err := codec.Named(c.Serializer)
	require.NoError(t, err)
	return serializer
}

func readValue(t require.TestingT, c valuegen.Carrier, data []byte, o *codec.Options) any {
	var v any
	require.NoError(t, codecOf(t, c).Unmarshal(data, &v, o), "reading %.500q", data)
	return v
}

func parsed(t require.TestingT, raw json.RawMessage) any {
	d, err := valuegen.Parse(raw)
	require.NoError(t, err)
	return d
}

func same(t require.TestingT, want, got any, ordered bool) {
	require.Empty(t, valuegen.Difference(want, got, ordered))
}
