package config

import (
	"fmt"
	"strings"
)

// An Origin is where a value comes from. The zero Origin stands for a default.
type Origin struct {
	// Source is the name of the file as it was given, "--set", or "environment" and the variable.
	Source string
	// Line and Column in a file, from 1.
	Line, Column int
	// Expanded is the text whose ${...} the value was made from, or empty.
	Expanded string
}

// String returns the origin as it stands beside a value: "site.yaml:12:7", "environment PYRO_HOST", "--set" or
// "default".
func (o Origin) String() string {
	s := o.Source
	if s == "" {
		s = "default"
	}
	if o.Line > 0 {
		s += fmt.Sprintf(":%d:%d", o.Line, o.Column)
	}
	if o.Expanded != "" {
		s += ", " + o.Expanded
	}
	return s
}

// origins knows for each field, message, and item that was set where that was. The keys are paths as binder.path makes
// them.
type origins struct {
	set map[string]Origin
	// alias leads from the path of an Any in a chain, server.chain[0].config, to the one that its fields have:
	// server.chain[0].rate_limit.
	alias map[string]string
}

func newOrigins() *origins { return &origins{map[string]Origin{}, map[string]string{}} }

// forget drops what is known of a field and all that is in it.
func (o *origins) forget(path string) {
	if _, known := o.set[path]; !known {
		return
	}
	for p := range o.set {
		if within(p, path) {
			delete(o.set, p)
		}
	}
}

// nearest returns the path as it is written here, and the origin of the field or else of the closest thing around it
// that was set.
func (o *origins) nearest(path string) (string, Origin) {
	path = o.canonical(path)
	for p := path; p != ""; p = parent(p) {
		if origin, set := o.set[p]; set {
			return path, origin
		}
	}
	return path, o.set[""]
}

// canonical turns the path of the messages, server.chain.middlewares[0].config.wait, into that of the configuration:
// server.chain[0].rate_limit.wait.
func (o *origins) canonical(path string) string {
	path = strings.TrimSuffix(strings.ReplaceAll(path, ".middlewares[", "["), ".middlewares")
	for p := path; p != ""; p = parent(p) {
		if to, is := o.alias[p]; is {
			return to + path[len(p):]
		}
	}
	return path
}

// parent returns the path of what a field, item or entry is in.
func parent(path string) string {
	if strings.HasSuffix(path, `"]`) { // a key may have dots and brackets in it
		return path[:max(0, strings.LastIndex(path, `["`))]
	}
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// within tells whether a path is that of a field or of something in it.
func within(path, field string) bool {
	rest, is := strings.CutPrefix(path, field)
	return is && (rest == "" || field == "" || rest[0] == '.' || rest[0] == '[')
}

// Origin returns where the value of a field comes from, for a path such as server.limits.max_depth or
// proxies["stock"].timeout. Of a message that was set in several places it is the last one. ok is false for what was
// not set.
func (f *File) Origin(path string) (o Origin, ok bool) {
	o, ok = f.origins.set[f.origins.canonical(path)]
	return o, ok
}
