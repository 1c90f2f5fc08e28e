package pickle

import (
	"strconv"
	"strings"
)

// global pushes the name of a class, function or constant.
func (r *reader) global() error {
	v, err := r.namedByLines()
	if err != nil {
		return err
	}
	return r.push(v)
}

// namedByLines returns what a module's name and one in it name, each on a line.
func (r *reader) namedByLines() (value, error) {
	module, err := r.line()
	if err != nil {
		return value{}, err
	}
	name, err := r.line()
	if err != nil {
		return value{}, err
	}
	return r.globalOf(module, name)
}

func (r *reader) stackGlobal() error {
	name, err := r.pop()
	if err != nil {
		return err
	}
	module, err := r.pop()
	if err != nil {
		return err
	}
	if module.kind != kindText || name.kind != kindText {
		return r.fail("STACK_GLOBAL requires str")
	}
	v, err := r.globalOf(r.bytesOf(module), r.bytesOf(name))
	if err != nil {
		return err
	}
	return r.push(v)
}

func (r *reader) globalOf(module, name []byte) (value, error) {
	if !validText(module) || !validText(name) {
		return value{}, r.fail("a name that is not UTF-8")
	}
	m, n := string(module), string(name)
	if r.proto < 3 {
		m, n = fromPython2(m, n)
	}
	return r.named(className(m, n)), nil
}

// named returns a node that names a global.
func (r *reader) named(name string) value {
	n := r.newNode()
	n.more = &extra{name: name}
	return value{kind: kindGlobal, p: n}
}

// nameOf returns the name of a global, or of a class that came as a value. It is empty for all else.
func nameOf(v value) string {
	if v.kind != kindGlobal && v.kind != kindInstance {
		return ""
	}
	return v.p.more.name
}

func (r *reader) reduce() error {
	args, err := r.pop()
	if err != nil {
		return err
	}
	fn, err := r.pop()
	if err != nil {
		return err
	}
	if args.kind != kindTuple {
		return r.fail("REDUCE requires a tuple of arguments")
	}
	return r.pushCall(fn, args)
}

// pushCall pushes what a call would return.
func (r *reader) pushCall(fn, args value) error {
	v, ok, err := r.partialNew(fn, args)
	switch {
	case err != nil:
		return err
	case ok:
		return r.push(v)
	}
	name, err := r.callable(fn)
	if err != nil {
		return err
	}
	direct, made := directCalls[name], classMakers[name]
	if direct != nil || made != nil {
		if err := r.again(r.sizeOf(args.p.items)); err != nil { // the same arguments may come again and again
			return err
		}
	}
	if direct != nil {
		v, ok, err := direct(r, args.p.items)
		if err != nil {
			return err
		}
		if ok {
			return r.push(v)
		}
	}
	x := &extra{fn: fn, args: args, call: true}
	if made != nil {
		x.name = made(r, args.p.items)
		if err := r.again(2 * len(x.name)); err != nil {
			return err
		}
	}
	return r.pushExtra(kindInstance, x)
}

// callable returns the name of what is called, or instantiated. What a call has made has the name of
// that call.
func (r *reader) callable(fn value) (string, error) {
	if name := nameOf(fn); name != "" {
		return name, nil
	}
	if fn.kind != kindInstance {
		return "", r.fail("a call of what is neither a class nor a function")
	}
	x := fn.p.more
	x.name = nameOf(x.fn) + "()"
	return x.name, r.again(len(x.name))
}

// partialNew is how protocols below 4 make an instance with keyword arguments: by a call without
// arguments of functools.partial(class.__new__, class, ...), whose state is function, arguments, keyword
// arguments and attributes.
func (r *reader) partialNew(fn, args value) (v value, ok bool, err error) {
	if fn.kind != kindInstance || nameOf(fn.p.more.fn) != "functools.partial" || len(args.p.items) > 0 {
		return value{}, false, nil
	}
	state := fn.p.more.state.values()
	if len(state) != 4 || len(state[1].values()) == 0 || state[2].kind != kindDict {
		return value{}, false, nil
	}
	bound := state[1].values()
	class := nameOf(bound[0])
	if err := r.again(len(class)); err != nil { // the same partial may be called again and again
		return value{}, false, err
	}
	if class == "" || nameOf(state[0]) != memberName(class, "__new__") {
		return value{}, false, nil
	}
	return r.instance(&extra{fn: bound[0], args: r.tuple(bound[1:]), kwargs: state[2]}), true, nil
}

func (r *reader) newObj() error {
	args, err := r.pop()
	if err != nil {
		return err
	}
	class, err := r.pop()
	if err != nil {
		return err
	}
	return r.pushNew(class, args, value{})
}

func (r *reader) newObjEx() error {
	kwargs, err := r.pop()
	if err != nil {
		return err
	}
	args, err := r.pop()
	if err != nil {
		return err
	}
	class, err := r.pop()
	if err != nil {
		return err
	}
	if kwargs.kind != kindDict {
		return r.fail("NEWOBJ_EX requires a dict of keyword arguments")
	}
	if len(kwargs.p.items) == 0 {
		kwargs = value{}
	}
	return r.pushNew(class, args, kwargs)
}

func (r *reader) pushNew(class, args, kwargs value) error {
	if _, err := r.callable(class); err != nil {
		return err
	}
	if args.kind != kindTuple {
		return r.fail("NEWOBJ requires a tuple of arguments")
	}
	return r.pushExtra(kindInstance, &extra{fn: class, args: args, kwargs: kwargs})
}

// inst reads INST: an instance of a class of Python 2, whose name follows and whose arguments stand
// above the mark.
func (r *reader) inst() error {
	class, err := r.namedByLines()
	if err != nil {
		return err
	}
	args, err := r.popMark()
	if err != nil {
		return err
	}
	return r.instantiate(class, args)
}

// obj is inst with the class below the arguments.
func (r *reader) obj() error {
	above, err := r.popMark()
	if err != nil {
		return err
	}
	if len(above) == 0 {
		return r.fail("OBJ requires a class")
	}
	return r.instantiate(above[0], above[1:])
}

// instantiate makes an instance as Python does for INST and OBJ: without arguments nothing is called.
func (r *reader) instantiate(class value, args []value) error {
	if len(args) > 0 {
		return r.pushCall(class, r.tuple(r.keepItems(args)))
	}
	if _, err := r.callable(class); err != nil {
		return err
	}
	return r.pushExtra(kindInstance, &extra{fn: class})
}

// build gives the instance below the top its state.
func (r *reader) build() error {
	state, err := r.pop()
	if err != nil {
		return err
	}
	target, err := r.top(0)
	if err != nil {
		return err
	}
	if target.kind != kindInstance {
		return r.fail("a state for what is no instance")
	}
	if target.p.more.state.kind != kindNothing {
		return r.fail("a second state for an instance")
	}
	target.p.more.state = state
	return nil
}

// sizeOf returns what vs cost at least.
func (r *reader) sizeOf(vs []value) int {
	n := wordSize * len(vs)
	for _, v := range vs {
		n += v.size() + len(nameOf(v))
	}
	return n
}

func (r *reader) tuple(items []value) value {
	n := r.newNode()
	n.items = items
	return value{kind: kindTuple, p: n}
}

// directCalls are the calls that say at once what they stand for: ok is false if the arguments are
// not as expected.
var directCalls = map[string]func(r *reader, args []value) (v value, ok bool, err error){
	"builtins.getattr":                      directGetattr,
	"copyreg.__newobj__":                    directNewObj,
	"copyreg.__newobj_ex__":                 directNewObjEx,
	"copyreg._reconstructor":                directReconstructor,
	"cloudpickle.cloudpickle._builtin_type": directBuiltinType,
	"dill._dill._load_type":                 directLoadType,
	"dill._dill._eval_repr":                 directEvalRepr,
	"dill._dill._create_array":              directCreateArray,
}

// directGetattr names the member of a global, which is how protocols below 4 spell nested classes.
func directGetattr(r *reader, args []value) (value, bool, error) {
	if len(args) != 2 || args[0].kind != kindGlobal || args[1].kind != kindText && args[1].kind != kindByteText {
		return value{}, false, nil
	}
	member := string(r.bytesOf(args[1]))
	return r.named(memberName(nameOf(args[0]), member)), isIdentifier(member), nil
}

func directNewObj(r *reader, args []value) (value, bool, error) {
	if len(args) == 0 || nameOf(args[0]) == "" {
		return value{}, false, nil
	}
	return r.instance(&extra{fn: args[0], args: r.tuple(args[1:])}), true, nil
}

func directNewObjEx(r *reader, args []value) (value, bool, error) {
	if len(args) != 3 || nameOf(args[0]) == "" || args[1].kind != kindTuple || args[2].kind != kindDict {
		return value{}, false, nil
	}
	x := &extra{fn: args[0], args: args[1]}
	if len(args[2].p.items) > 0 {
		x.kwargs = args[2]
	}
	return r.instance(x), true, nil
}

// directReconstructor is how protocols 0 and 1 make an instance: class, base class, and what makes the
// part of it that is the base class. With another base class than these it stays a call: the class may
// have a __new__ of its own, which takes other arguments.
func directReconstructor(r *reader, args []value) (value, bool, error) {
	if len(args) != 3 || nameOf(args[0]) == "" {
		return value{}, false, nil
	}
	x := &extra{fn: args[0]}
	base, state := nameOf(args[1]), args[2]
	switch {
	case base == "builtins.object" && state.kind == kindNone:
	case base == "builtins.list" && state.kind == kindList, base == "builtins.dict" && state.kind == kindDict:
		x.fill = state
	default:
		return value{}, false, nil
	}
	return r.instance(x), true, nil
}

func (r *reader) instance(x *extra) value {
	n := r.newNode()
	n.more = x
	return value{kind: kindInstance, p: n}
}

// directBuiltinType is what cloudpickle writes for a type that has a name in Python's module types.
func directBuiltinType(r *reader, args []value) (value, bool, error) {
	if len(args) != 1 || args[0].kind != kindText {
		return value{}, false, nil
	}
	name := string(r.bytesOf(args[0]))
	return r.named(className("types", name)), isIdentifier(name), nil
}

// dillTypes are the types that dill has names of its own for, and which have others in Python.
var dillTypes = map[string]string{
	"AttrGetterType": "operator.attrgetter", "ItemGetterType": "operator.itemgetter", "PartialType": "functools.partial",
	"EllipsisType": "types.EllipsisType", "NoneType": "types.NoneType", "NotImplementedType": "types.NotImplementedType",
	"CodeType": "types.CodeType", "FunctionType": "types.FunctionType", "LambdaType": "types.LambdaType",
	"MappingProxyType": "types.MappingProxyType", "MethodType": "types.MethodType", "ModuleType": "types.ModuleType",
	"SuperType": "builtins.super",
}

// directLoadType is what dill writes for a type: one of its own names, or that of a builtin.
func directLoadType(r *reader, args []value) (value, bool, error) {
	if len(args) != 1 || args[0].kind != kindText {
		return value{}, false, nil
	}
	name := string(r.bytesOf(args[0]))
	if known := dillTypes[name]; known != "" {
		return r.named(known), true, nil
	}
	return r.named(className("builtins", name)), isIdentifier(name) && !strings.HasSuffix(name, "Type"), nil
}

// directEvalRepr is what dill writes for what is made of its own repr: here a constant or a range.
func directEvalRepr(r *reader, args []value) (value, bool, error) {
	if len(args) != 1 || args[0].kind != kindText {
		return value{}, false, nil
	}
	repr := string(r.bytesOf(args[0]))
	if repr == "Ellipsis" || repr == "NotImplemented" {
		return r.named("builtins." + repr), true, nil
	}
	inner, ok := strings.CutPrefix(repr, "range(")
	if !ok || !strings.HasSuffix(inner, ")") {
		return value{}, false, nil
	}
	var limits []value
	for part := range strings.SplitSeq(inner[:len(inner)-1], ", ") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || len(limits) == 3 {
			return value{}, false, nil // then it stays the call that it is
		}
		limits = append(limits, value{kind: kindInt, n: uint64(n)}) //nolint:gosec // two's complement
	}
	return r.instance(&extra{fn: r.named("builtins.range"), args: r.tuple(limits), call: true}), true, nil
}

// directCreateArray is what dill writes for a numpy array: function, arguments, state, attributes.
func directCreateArray(r *reader, args []value) (value, bool, error) {
	if len(args) != 4 || nameOf(args[0]) == "" || args[1].kind != kindTuple || !r.isNoAttributes(args[3]) {
		return value{}, false, nil
	}
	return r.instance(&extra{fn: args[0], args: args[1], state: args[2], call: true}), true, nil
}

// isNoAttributes reports whether v has none of an array, but for the note that a matrix takes while it is indexed.
func (r *reader) isNoAttributes(v value) bool {
	if v.kind == kindNone {
		return true
	}
	return v.kind == kindDict && (len(v.p.items) == 0 || len(v.p.items) == 2 && r.is(v.p.items[0], "_getitem"))
}

// classMakers are the functions that make a class by value, as cloudpickle and dill do for those of
// __main__. They return its name, or nothing if they do not find it.
var classMakers = map[string]func(r *reader, args []value) string{
	"cloudpickle.cloudpickle._make_skeleton_class": madeClass, // metaclass, name, bases, attributes, ...
	"dill._dill._create_type":                      madeClass,
	"dill._dill._create_namedtuple":                madeNamedTuple, // name, fields, module, ...
	"cloudpickle.cloudpickle._make_skeleton_enum":  madeEnum,       // bases, name, qualified name, members, module, ...
}

func madeClass(r *reader, args []value) string {
	if len(args) < 4 || args[1].kind != kindText || args[3].kind != kindDict {
		return ""
	}
	attrs := args[3].p.items
	const few = 16 // the module comes first
	for i := 0; i+1 < min(len(attrs), few); i += 2 {
		if attrs[i].kind == kindText && string(r.bytesOf(attrs[i])) == "__module__" && attrs[i+1].kind == kindText {
			return className(string(r.bytesOf(attrs[i+1])), string(r.bytesOf(args[1])))
		}
	}
	return ""
}

func madeNamedTuple(r *reader, args []value) string {
	if len(args) < 3 || args[0].kind != kindText || args[2].kind != kindText {
		return ""
	}
	return className(string(r.bytesOf(args[2])), string(r.bytesOf(args[0])))
}

func madeEnum(r *reader, args []value) string {
	if len(args) < 5 || args[2].kind != kindText || args[4].kind != kindText {
		return ""
	}
	return className(string(r.bytesOf(args[4])), string(r.bytesOf(args[2])))
}
