package pickle

import (
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// The keys of an exception's class dict, and those under which a registered class gets what is no
// attribute.
const (
	keyException  = "__exception__"
	keyArgs       = "args"
	keyAttributes = "attributes"
	keyTraceback  = "_pyroTraceback"
	keyState      = "state"
	keyItems      = "items"
	keyPairs      = "pairs"
)

// instanceTree returns what the instance n stands for: a value of a type that Go has, else a class dict
// or, where its attributes do not say all, an Object.
func (r *reader) instanceTree(n *node) (any, error) {
	x := n.more
	class := nameOf(x.fn)
	if x.args.kind == kindTuple {
		if err := r.open(x.args.p); err != nil {
			return nil, err
		}
		defer r.shut(x.args.p)
	}
	if known := knownClasses[class]; known == nil {
		if err := r.openInstance(n); err != nil {
			return nil, err
		}
	}
	if state := pyroStates[class]; state != nil {
		if d, err := state(r, x); d != nil || err != nil {
			return r.classDict(d, class), err
		}
	}
	if fn, t := r.registry.Decoder(class); fn != nil || t != nil {
		d, err := r.registered(n, class)
		return r.classDict(d, class), err
	}
	if known := knownClasses[class]; known != nil {
		v, ok, err := known(r, n)
		if ok || err != nil {
			return r.plainKey(v), err
		}
		if err := r.openInstance(n); err != nil { // it is one like any other
			return nil, err
		}
	}
	attrs, exact, err := r.attributes(x.state)
	switch {
	case err != nil:
		return nil, err
	case isException(class, n, attrs, exact):
		d, err := r.exception(x, attrs)
		return r.classDict(d, r.osError(class, x)), err
	case exact && n.isPlain() && (attrs.Len() > 0 || x.state.kind == kindNothing):
		return r.classDict(attrs, class), nil // an empty state is not the same as none: __setstate__ gets it
	}
	return r.object(n, class, attrs, exact)
}

// isPlain reports whether an instance is made by its class and its state alone.
func (n *node) isPlain() bool {
	x := n.more
	return !x.call && len(x.args.values()) == 0 && x.kwargs.kind == kindNothing && n.isUnfilled()
}

// isUnfilled reports whether nothing was put into an instance.
func (n *node) isUnfilled() bool {
	return len(n.items) == 0 && len(n.more.pairs) == 0 && n.more.fill.kind == kindNothing
}

// classDict makes of attributes a class dict for package bind to convert; among keys, where nothing is
// converted, an Object.
func (r *reader) classDict(attrs *codec.Dict, class string) any {
	switch {
	case attrs == nil:
		return nil
	case r.keys > 0:
		return &codec.Object{Class: class, Attrs: byName(attrs)}
	}
	r.classes = true
	attrs.Set(codec.ClassKey, class)
	return attrs
}

// byName returns a map of what d has, whose keys are all text.
func byName(d *codec.Dict) map[string]any {
	m := make(map[string]any, d.Len())
	for k, v := range d.All() {
		if name, ok := k.(string); ok {
			m[name] = v
		}
	}
	return m
}

// attributes returns the attributes that state gives an instance, by name. exact tells that they are
// all that it says.
func (r *reader) attributes(state value) (attrs *codec.Dict, exact bool, err error) {
	attrs = new(codec.Dict)
	switch {
	case state.kind == kindNothing:
		return attrs, true, nil
	case r.hasNames(state):
		return attrs, true, r.addAttributes(attrs, state)
	case state.kind == kindTuple && len(state.p.items) == 2: // attributes or None, then slots
		for _, part := range state.p.items {
			if !r.hasNames(part) {
				continue
			}
			if err := r.addAttributes(attrs, part); err != nil {
				return nil, false, err
			}
		}
	}
	return attrs, false, nil
}

// hasNames reports whether v is a dict that can be one of attributes.
func (r *reader) hasNames(v value) bool {
	if v.kind != kindDict {
		return false
	}
	text, classKey := r.allText(v.p.items)
	return text && !classKey
}

// addAttributes adds what the dict v has.
func (r *reader) addAttributes(attrs *codec.Dict, v value) error {
	if v.p.seen {
		if err := r.again(attributeSize * len(v.p.items) / 2); err != nil {
			return err
		}
	}
	d, err := r.dictIn(v)
	if err != nil {
		return err
	}
	for k, x := range d.All() {
		attrs.Set(k, x)
	}
	return nil
}

// registered returns what an instance of a class that a registry knows has: its attributes, and
// whatever else makes it.
func (r *reader) registered(n *node, class string) (*codec.Dict, error) {
	x := n.more
	attrs, exact, err := r.attributes(x.state)
	if err != nil {
		return nil, err
	}
	if isException(class, n, attrs, exact) {
		return r.exception(x, attrs)
	}
	o, err := r.reduction(n, exact || attrs.Len() > 0)
	if err != nil {
		return nil, err
	}
	add := func(key string, v any) {
		if _, taken := attrs.Get(key); !taken {
			attrs.Set(key, v)
		}
	}
	if len(o.Args) > 0 {
		add(keyArgs, o.Args)
	}
	if len(o.Items) > 0 {
		add(keyItems, o.Items)
	}
	if o.Pairs != nil {
		add(keyPairs, o.Pairs)
	}
	if o.State != nil {
		add(keyState, o.State)
	}
	return attrs, nil
}

// isException reports whether the instance n looks like an exception: by the name of its class, or
// because it brings the traceback that Pyro hangs on every exception it sends.
func isException(class string, n *node, attrs *codec.Dict, exact bool) bool {
	if !exact || !n.more.call || !n.isUnfilled() {
		return false
	}
	if _, ok := attrs.Get(keyTraceback); ok || builtinException(class) {
		return true
	}
	module, name, _ := splitClass(class)
	return hasSuffix(name, "Error", "Err", "Exception", "Warning", "error") || hasSuffix(module, ".exceptions", ".errors")
}

func hasSuffix(s string, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// exception returns what the class dict of an exception has in other serializers.
func (r *reader) exception(x *extra, attrs *codec.Dict) (*codec.Dict, error) {
	args, err := r.trees(x.args.values())
	if err != nil {
		return nil, err
	}
	return codec.NewDict(keyException, true, keyArgs, codec.Tuple(args), keyAttributes, byName(attrs)), nil
}

// osErrorKinds are the classes that Python 3 makes of an OSError by its number, which are Linux's here. Protocols
// below 3 have only OSError.
var osErrorKinds = map[int64]string{
	1: "PermissionError", 2: "FileNotFoundError", 3: "ProcessLookupError", 4: "InterruptedError", 10: "ChildProcessError",
	11: "BlockingIOError", 13: "PermissionError", 17: "FileExistsError", 20: "NotADirectoryError", 21: "IsADirectoryError",
	32: "BrokenPipeError", 103: "ConnectionAbortedError", 104: "ConnectionResetError", 108: "BrokenPipeError",
	110: "TimeoutError", 111: "ConnectionRefusedError", 114: "BlockingIOError", 115: "BlockingIOError",
}

// osError returns the class of the exception x, of class class.
func (r *reader) osError(class string, x *extra) string {
	args := x.args.values()
	if class != "builtins.OSError" || len(args) < 2 {
		return class
	}
	if number, ok := r.int(args[0]); ok && osErrorKinds[number] != "" {
		return "builtins." + osErrorKinds[number]
	}
	return class
}

// object returns the instance n with all that makes it.
func (r *reader) object(n *node, class string, attrs *codec.Dict, exact bool) (any, error) {
	red, err := r.reduction(n, exact && attrs.Len() > 0)
	if err != nil {
		return nil, err
	}
	o := codec.Object{Class: class, Attrs: byName(attrs), Reduction: red}
	if r.keys > 0 {
		return &o, nil
	}
	return o, nil
}

// reduction returns what makes the instance n; its state only if its attributes do not say it.
func (r *reader) reduction(n *node, attrs bool) (*codec.Reduction, error) {
	x := n.more
	red := &codec.Reduction{Call: x.call}
	args, err := r.trees(x.args.values())
	if err != nil {
		return nil, err
	}
	red.Args = args
	if red.Kwargs, err = r.dictIn(x.kwargs); err != nil {
		return nil, err
	}
	if err := r.filling(n, red); err != nil {
		return nil, err
	}
	if !attrs && x.state.kind != kindNothing {
		red.State, err = r.tree(x.state)
	}
	return red, err
}

// dictIn returns the dict v, which is a part of an instance; nil if there is none.
func (r *reader) dictIn(v value) (*codec.Dict, error) {
	if v.kind != kindDict {
		return nil, nil //nolint:nilnil // none
	}
	if err := r.open(v.p); err != nil {
		return nil, err
	}
	defer r.shut(v.p)
	return r.orderedDict(v.p.items)
}

// filling stores what was put into the instance n.
func (r *reader) filling(n *node, red *codec.Reduction) (err error) {
	x := n.more
	items, pairs := n.items, x.pairs
	if x.fill.kind != kindNothing {
		if err := r.open(x.fill.p); err != nil {
			return err
		}
		defer r.shut(x.fill.p)
		if x.fill.kind == kindList {
			items = slices.Concat(x.fill.p.items, items)
		} else {
			pairs = slices.Concat(x.fill.p.items, pairs)
		}
	}
	if len(items) > 0 {
		if red.Items, err = r.trees(items); err != nil {
			return err
		}
	}
	if len(pairs) > 0 {
		red.Pairs, err = r.orderedDict(pairs)
	}
	return err
}

// plainKey makes a plain number of one of numpy's among keys. The two are equal keys to Python, and an
// NDArray can be none.
func (r *reader) plainKey(v any) any {
	a, ok := v.(codec.NDArray)
	if !ok || r.keys == 0 || a.Shape != nil {
		return v
	}
	if n, err := a.Item(0); err == nil {
		return n
	}
	if s, ok := scalarText(a); ok {
		return s
	}
	return v
}
