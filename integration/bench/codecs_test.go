package main

import (
	"bytes"
	"testing"
	"time"
)

// TestCodecTasks proves each task once, and that none is missing.
func TestCodecTasks(t *testing.T) {
	names := codecNames()
	tasks, err := codecTasks(names)
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]int{}
	for _, task := range tasks {
		f, err := measureTask(task, time.Microsecond)
		if err != nil || f.Nanoseconds <= 0 || f.Size < 500 {
			t.Errorf("%s, %s, %s: %+v, %v", task.serializer, task.value, task.operation, f, err)
		}
		operations[task.serializer]++
	}
	for _, name := range append(names, goJSON) {
		want := 7 // four of them with bytes
		switch name {
		case "json":
			want = 3 // none
		case goJSON:
			want = 6 // none shared
		}
		if operations[name] != want {
			t.Errorf("%s: %d operations, want %d", name, operations[name], want)
		}
	}
}

func TestCodecReport(t *testing.T) {
	figures := map[cell][]figure{
		{"", "serpent", nested, encode}:              {{1000, 2000, 0}, {1000, 1000, 0}, {1000, 900, 0}},
		{"", "serpent", nested, decodeTyped}:         {{1000, 5000, 7}},
		{"", "serpent", blob, decodeShared}:          {{2000, 1000, 1}},
		{"", goJSON, nested, encode}:                 {{900, 1800, 2}},
		{"", goJSON, blob, decodeTyped}:              {{2000, 3000, 1}},
		{"python", "serpent", nested, encode}:        {{1000, 40000, 0}},
		{"python", "serpent", nested, decode}:        {{1000, 100000, 0}},
		{"python", "serpent", "other value", encode}: {{1, 1, 0}},
	}
	tasks := []task{
		{"serpent", nested, encode, 0, nil},
		{"serpent", nested, decodeTyped, 0, nil},
		{"serpent", blob, decodeShared, 0, nil},
		{goJSON, nested, encode, 0, nil},
	}
	r := newCodecReport(options{rounds: 3, pin: pinNone}, "Python 3", tasks, figures)
	r.Environment = environment{Go: "go1.26", System: "linux/amd64", CPUs: 2, GOMAXPROCS: 2, Pin: "none", Rounds: 3}
	const want = `go1.26 linux/amd64, 2 CPUs, GOMAXPROCS 2, pin none; Python 3; best of 3 rounds

A nested value of about 1 KiB; MB/s of its encoding
  serializer     operation  MB/s  allocs  Python MB/s  ratio  encoding/json MB/s  ratio
     serpent        encode  1111       0           25  44.44                 500   2.00
     serpent  decode typed   200       7           10  20.00                   -      -

1 MiB of bytes; MB/s of the bytes
  serializer      operation  MB/s  allocs  Python MB/s  ratio  encoding/json MB/s  ratio
     serpent  decode shared  2000       1            -      -                 667   3.00

A ratio is how many times as fast Go is, by time: encodings differ in length. Python decodes in one
way only, and leaves bytes in serpent a dict with base64. What is shared is not copied.
`
	var out bytes.Buffer
	if err := r.writeText(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &out, want)
	}
}
