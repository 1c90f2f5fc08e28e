package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

// The two values that serializers are compared with.
const (
	nested = "nested" // a portfolio, about one KiB
	blob   = "bytes"  // one MiB of them
)

// The operations. Python has one way to decode.
const (
	encode        = "encode"
	decode        = "decode"
	decodeTyped   = "decode typed"
	decodeGeneric = "decode generic"
	decodeShared  = "decode shared" // into a []byte that points into the message
)

//go:embed portfolio.json
var portfolioText []byte

//go:embed codecs.py
var codecsScript string

type portfolio struct {
	Owner     string            `json:"owner"`
	ID        int64             `json:"id"`
	Balance   float64           `json:"balance"`
	Positions []position        `json:"positions"`
	Limits    map[string]string `json:"limits"`
	Note      *string           `json:"note"`
}

type position struct {
	Symbol   string   `json:"symbol"`
	Quantity int      `json:"quantity"`
	Price    float64  `json:"price"`
	Tags     []string `json:"tags"`
	Closed   bool     `json:"closed"`
}

// A task is one cell of the comparison.
type task struct {
	serializer, value, operation string
	size                         int // bytes that a rate counts
	work                         func() error
}

// goJSON is the name of encoding/json among the serializers.
const goJSON = "encoding/json"

// compareCodecs measures the serializers of this project, encoding/json and Python's Pyro, in turns.
func compareCodecs(opts options) (*codecReport, error) {
	names := codecNames()
	tasks, err := codecTasks(names)
	if err != nil {
		return nil, err
	}
	const cellsOfATurn = 10
	each := opts.duration / cellsOfATurn
	figures := map[cell][]figure{}
	var versions string
	for round := range opts.rounds {
		progressf("codecs: round %d of %d: Go", round+1, opts.rounds)
		for _, t := range tasks {
			f, err := measureTask(t, each)
			if err != nil {
				return nil, fmt.Errorf("%s, %s, %s: %w", t.serializer, t.value, t.operation, err)
			}
			at := cell{"", t.serializer, t.value, t.operation}
			figures[at] = append(figures[at], f)
		}
		progressf("codecs: round %d of %d: Python", round+1, opts.rounds)
		python, err := measurePython(names, each)
		if err != nil {
			return nil, err
		}
		versions = python.Versions
		for _, r := range python.Results {
			at := cell{"python", r.Serializer, r.Value, r.Operation}
			figures[at] = append(figures[at], figure{Size: r.Size, Nanoseconds: r.Nanoseconds})
		}
	}
	return newCodecReport(opts, versions, tasks, figures), nil
}

// codecNames are the serializers that are registered, less two that are pickle under another name.
func codecNames() []string {
	return slices.DeleteFunc(codec.Names(), func(name string) bool { return name == "dill" || name == "cloudpickle" })
}

// A cell is where a figure belongs.
type cell struct{ language, serializer, value, operation string }

// A figure is what an operation takes.
type figure struct {
	Size        int     `json:"size"` // bytes
	Nanoseconds float64 `json:"ns"`
	Allocs      float64 `json:"allocs,omitempty"` // of Go alone
}

// megabytes returns the rate in 10^6 bytes a second.
func (f figure) megabytes() float64 { return float64(f.Size) * 1e3 / f.Nanoseconds }

func codecTasks(names []string) ([]task, error) {
	var p portfolio
	if err := json.Unmarshal(portfolioText, &p); err != nil {
		return nil, err
	}
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * 7)
	}
	tasks := []task{}
	for _, name := range names {
		c, err := codec.Named(name)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, tasksOf(c, nested, &p, func() any { return new(portfolio) })...)
		tasks = append(tasks, tasksOf(c, blob, data, func() any { return new([]byte) })...)
	}
	tasks = append(tasks, jsonTasks(nested, &p, func() any { return new(portfolio) })...)
	return append(tasks, jsonTasks(blob, data, func() any { return new([]byte) })...), nil
}

// tasksOf has the tasks with one value; none if c cannot write it.
func tasksOf(c codec.Codec, kind string, value any, typed func() any) []task {
	data, err := c.Append(nil, value, nil)
	if err != nil {
		return nil
	}
	size := len(data)
	if b, ok := value.([]byte); ok {
		size = len(b)
	}
	buffer := make([]byte, 0, len(data))
	shared := &codec.Options{ShareInput: true}
	list := []task{
		{c.Name(), kind, encode, size, func() error { _, err := c.Append(buffer, value, nil); return err }},
		{c.Name(), kind, decodeTyped, size, func() error { return c.Unmarshal(data, typed(), nil) }},
		{c.Name(), kind, decodeGeneric, size, func() error { return c.Unmarshal(data, new(any), nil) }},
	}
	if kind == blob {
		list = append(list, task{c.Name(), kind, decodeShared, size, func() error { return c.Unmarshal(data, typed(), shared) }})
	}
	return list
}

func jsonTasks(kind string, value any, typed func() any) []task {
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	size := len(data)
	if b, ok := value.([]byte); ok {
		size = len(b)
	}
	return []task{
		{goJSON, kind, encode, size, func() error { _, err := json.Marshal(value); return err }},
		{goJSON, kind, decodeTyped, size, func() error { return json.Unmarshal(data, typed()) }},
		{goJSON, kind, decodeGeneric, size, func() error { return json.Unmarshal(data, new(any)) }},
	}
}

// measureTask repeats the work, twice as often each time, until that takes the duration.
func measureTask(t task, duration time.Duration) (figure, error) {
	for count := 1; ; count *= 2 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		for range count {
			if err := t.work(); err != nil {
				return figure{}, err
			}
		}
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		if took >= duration {
			n := float64(count)
			return figure{
				Size:        t.size,
				Nanoseconds: float64(took.Nanoseconds()) / n,
				Allocs:      float64(after.Mallocs-before.Mallocs) / n,
			}, nil
		}
	}
}

// pythonFigures are what codecs.py prints.
type pythonFigures struct {
	Versions string `json:"versions"`
	Results  []struct {
		Serializer  string  `json:"serializer"`
		Value       string  `json:"value"`
		Operation   string  `json:"operation"`
		Size        int     `json:"size"`
		Nanoseconds float64 `json:"ns"`
	} `json:"results"`
}

func measurePython(names []string, each time.Duration) (pythonFigures, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*each+time.Minute)
	defer cancel()
	args := append([]string{strconv.FormatFloat(each.Seconds(), 'f', -1, 64), string(portfolioText)}, names...)
	var f pythonFigures
	err := peers.Run(ctx, &f, codecsScript, args...)
	return f, err
}
