package pyregex

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of an expression, so that whoever sends one cannot keep a server busy.
const (
	// maxLength is the largest expression in bytes.
	maxLength = 64 << 10
	// linearSize and linearSteps are up to where Go's regexp is used: it cannot be stopped while it matches.
	linearSize  = 20_000     // instructions
	linearSteps = 20_000_000 // instructions times bytes of the name
	// easySteps are the machine's steps for a part of the expression, or a character, up to which it is used where
	// Go's regexp could be: that takes as long as some thirty of them, and to make one takes long, too.
	easySteps = 32
	// linearCost are the steps that the making of one of Go's instructions is worth, or of a range of characters.
	linearCost = 64
	// lookEvery is how many names of up to longName bytes are matched between looks at the clock.
	lookEvery = 32
	longName  = 1000
	// trySteps are the steps of Try, for all names together, and tryName for one of them: less than checkEvery.
	trySteps = 1 << 20
	tryName  = 1 << 12
)

var (
	errTooLong  = errors.New("the expression is longer than 65536 bytes")
	errTooLarge = errors.New("the expression is too large")
)

// ErrTimeout is the error for an expression that takes longer than it may.
var ErrTimeout = errors.New("it takes too long")

// A Regexp is an expression that was understood. It must not be used concurrently.
type Regexp struct {
	prefix   string
	needed   needed
	root     *node
	size     int
	linear   bool // Go's regexp can do it
	boundary bool // \b or \B: Go's is about ASCII
	lastLine bool // $: Go's has no end before a line break
	machine  *machine
	hard     *regexp.Regexp // Go's, once a name was too much for the machine
	names    int            // that were matched
	tried    int            // steps of Try
}

// Compile reads an expression. An error is a *SyntaxError, or says that the expression is too long or too large.
func Compile(expr string) (*Regexp, error) {
	if len(expr) > maxLength {
		return nil, errTooLong
	}
	root, groups, err := parse(expr)
	if err != nil {
		return nil, err
	}
	prefix, _ := root.prefix(nil)
	r := &Regexp{
		prefix: string(prefix), needed: neededBy(root), root: root, size: root.size(),
		machine: &machine{prog: compile(root, groups)},
	}
	r.boundary = root.any(func(n *node) bool { return n.op == opBoundary || n.op == opNotBoundary })
	r.lastLine = root.any(func(n *node) bool { return n.op == opEndOrLast })
	r.linear = r.size <= linearSize && !root.any(isBacktracking)
	return r, nil
}

// harden has Go's regexp take over from the machine, unless it is too large for that.
func (r *Regexp) harden() {
	var w writer
	w.put(`\A`)
	w.wrapped(r.root)
	var err error
	r.hard, err = regexp.Compile(string(w.text))
	r.linear = err == nil
}

// isBacktracking tells what Go's regexp does not do.
func isBacktracking(n *node) bool {
	switch n.op {
	case opLook, opAtomic, opBackref, opIf:
		return true
	case opRepeat:
		return n.mode == possessive
	}
	return false
}

// Prefix returns the text that every name begins with that the expression matches.
func (r *Regexp) Prefix() string { return r.prefix }

// Match tells whether the expression matches name from its start. It gives up soon after deadline, with ErrTimeout.
func (r *Regexp) Match(name string, deadline time.Time) (bool, error) {
	if r.names++; r.names%lookEvery == 1 || len(name) > longName {
		if time.Now().After(deadline) {
			return false, ErrTimeout
		}
	}
	if !r.needed.isIn(name) {
		return false, nil
	}
	r.machine.deadline = deadline
	if !r.isLinear(name) {
		return r.machine.match(name, math.MaxInt)
	}
	if r.hard == nil { // the machine is quicker, as long as it need not try much
		ok, err := r.machine.match(name, easySteps*(len(name)+r.size))
		if !errors.Is(err, errTooMany) {
			return ok, err
		}
		if r.harden(); !r.linear {
			return r.machine.match(name, math.MaxInt)
		}
	}
	return r.hard.MatchString(name), nil
}

// Try is Match for what is cheap: it takes little memory, and some milliseconds for all names together, on an idle
// machine or a busy one. Beyond that it gives up with ErrTimeout, this time and from then on.
func (r *Regexp) Try(name string) (bool, error) {
	if r.tried += len(name); r.tried <= trySteps && !r.needed.isIn(name) {
		return false, nil
	}
	linear := r.isLinear(name)
	if linear && r.hard != nil {
		r.tried += len(name) * r.size / 8 // a step of Go's regexp is a small one
	}
	if r.tried > trySteps {
		return false, ErrTimeout
	}
	if linear && r.hard != nil {
		return r.hard.MatchString(name), nil
	}
	steps := tryName
	if linear {
		steps = min(steps, easySteps*(len(name)+r.size))
	}
	ok, err := r.machine.match(name, steps)
	r.tried += r.machine.steps
	if !errors.Is(err, errTooMany) {
		return ok, err
	}
	if r.tried += (r.size + r.root.spans()) * linearCost; !linear || r.tried > trySteps {
		r.tried = trySteps
		return false, ErrTimeout
	}
	r.harden()
	return r.Try(name)
}

// isLinear tells whether Go's regexp says of name what Python's would, in time.
func (r *Regexp) isLinear(name string) bool {
	switch {
	case !r.linear, r.size > linearSteps/max(len(name), 1):
		return false
	case r.lastLine && strings.HasSuffix(name, "\n"):
		return false
	case r.boundary && (name == "" || !isASCII(name)):
		return false
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
