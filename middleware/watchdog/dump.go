package watchdog

import (
	"bytes"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rest is the least time between two dumps: a dump looks at every goroutine, and when a program slows down many calls
// reach their limits together.
const rest = 100 * time.Millisecond

// A dumper finds the stacks of calls, those of many in one dump.
type dumper struct {
	report func(one *watch, now time.Time, stack string)

	mu      sync.Mutex // guards what follows
	waiting []*watch
	running bool
	last    time.Time // when the last dump was
}

func newDumper(report func(*watch, time.Time, string)) *dumper { return &dumper{report: report} }

// add reports a call: in the goroutine of its timer, or in that of another's that is at it.
func (d *dumper) add(one *watch) {
	d.mu.Lock()
	d.waiting = append(d.waiting, one)
	if d.running {
		d.mu.Unlock()
		return
	}
	d.running = true
	for len(d.waiting) > 0 {
		pause := rest - time.Since(d.last)
		d.mu.Unlock()
		if pause > 0 {
			time.Sleep(pause)
		}
		d.mu.Lock()
		all := d.waiting
		d.waiting = nil
		d.mu.Unlock()
		d.dump(all)
		d.mu.Lock()
		d.last = time.Now()
	}
	d.running = false
	d.mu.Unlock()
}

// dump reports calls.
func (d *dumper) dump(all []*watch) {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // a buffer takes it all
	now := time.Now()
	stacks := stacksOf(profile.String())
	for _, one := range all {
		d.report(one, now, stacks[one.number])
	}
}

// stacksOf reads a goroutine profile in its text form and returns the stacks of each watched call: the one that it
// runs in first, then those of goroutines that it has started.
func stacksOf(profile string) map[uint64]string {
	found := map[uint64][]string{}
	for record := range strings.SplitSeq(profile, "\n\n") {
		numbers := labelOf(record)
		if len(numbers) == 0 {
			continue
		}
		stack, own := frames(record)
		for _, n := range numbers {
			if own {
				found[n] = slices.Insert(found[n], 0, stack)
			} else {
				found[n] = append(found[n], stack)
			}
		}
	}
	stacks := make(map[uint64]string, len(found))
	for n, all := range found {
		stacks[n] = strings.Join(all, "\n")
	}
	return stacks
}

// labelOf returns the numbers in a record's Label.
func labelOf(record string) []uint64 {
	const quote = `"`
	const mark = quote + Label + quote + ":" + quote
	_, after, ok := strings.Cut(record, mark)
	if !ok {
		return nil
	}
	value, _, _ := strings.Cut(after, quote)
	var numbers []uint64
	for text := range strings.SplitSeq(value, "/") {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// guardFrame is in the stack of the goroutine that a call runs in.
const guardFrame = "watchdog.(*watchdog).guard"

// frames returns a record's stack as a panic prints one, the innermost frame first, without arguments, and whether a
// watched call runs in it. A frame of the profile is "#", the address, FUNCTION+OFFSET and FILE:LINE, tabs between.
func frames(record string) (stack string, own bool) {
	var b strings.Builder
	for line := range strings.Lines(record) {
		fields := strings.FieldsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r == '\t' })
		if len(fields) != 4 || fields[0] != "#" {
			continue
		}
		function := fields[2]
		if i := strings.LastIndexByte(function, '+'); i >= 0 {
			function = function[:i]
		}
		own = own || strings.HasSuffix(function, guardFrame)
		b.WriteString(function + "\n\t" + fields[3] + "\n")
	}
	return b.String(), own
}
