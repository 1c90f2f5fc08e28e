package pickle

import (
	"strings"
	"unicode"
)

// className joins a module and a name in it, as package codec has names of classes: "module.Class". The
// name of a class within a class, whose module could not be told from it, stands behind a colon:
// "module:Outer.Inner".
func className(module, name string) string {
	switch {
	case module == "":
		return name
	case strings.Contains(name, "."):
		return module + ":" + name
	default:
		return module + "." + name
	}
}

// splitClass undoes className.
func splitClass(class string) (module, name string, ok bool) {
	if module, name, ok = strings.Cut(class, ":"); ok {
		return module, name, true
	}
	i := strings.LastIndexByte(class, '.')
	if i < 0 {
		return "", class, false
	}
	return class[:i], class[i+1:], true
}

// memberName names a member of a class.
func memberName(class, member string) string {
	if strings.Contains(class, ":") {
		return class + "." + member
	}
	module, name, _ := splitClass(class)
	return className(module, name+"."+member)
}

// isIdentifier reports whether s is one identifier of Python, or several with dots between them.
func isIdentifier(s string) bool {
	begins := true
	for _, c := range s {
		switch {
		case c == '.' && !begins:
			begins = true
			continue
		case c == '_' || unicode.IsLetter(c):
		case !begins && (unicode.IsDigit(c) || unicode.IsMark(c)):
		default:
			return false
		}
		begins = false
	}
	return !begins
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// exceptions are the builtin exceptions of Python up to 3.13.
var exceptions = setOf(`ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup
	BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError
	ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError
	EncodingWarning EnvironmentError Exception ExceptionGroup FileExistsError FileNotFoundError
	FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError
	IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
	ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError OverflowError
	PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError RecursionError
	ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration
	SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError
	UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning
	ValueError Warning ZeroDivisionError`)

// pyroExceptions are the classes of Pyro4.errors and Pyro5.errors.
var pyroExceptions = setOf(`PyroError CommunicationError ConnectionClosedError TimeoutError
	ProtocolError MessageTooLargeError SerializeError NamingError DaemonError SecurityError`)

// builtinException reports whether class is an exception of Python itself or of Pyro, which do nothing
// but keep their arguments.
func builtinException(class string) bool {
	module, name, _ := splitClass(class)
	switch module {
	case "builtins":
		return exceptions[name]
	case "Pyro4.errors", "Pyro5.errors":
		return pyroExceptions[name]
	}
	return class == "struct.error" || class == "zlib.error"
}

// harmlessCalls are the classes and functions that make a value of plain arguments, and do nothing else:
// an Object that is made by calling one of them may be written. The builtin exceptions are such as well.
var harmlessCalls = setOf(`builtins.complex builtins.frozenset builtins.range builtins.set builtins.slice
	array._array_reconstructor array.array
	collections.Counter collections.OrderedDict collections.defaultdict collections.deque
	datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone
	decimal.Decimal fractions.Fraction
	ipaddress.IPv4Address ipaddress.IPv4Interface ipaddress.IPv4Network
	ipaddress.IPv6Address ipaddress.IPv6Interface ipaddress.IPv6Network
	numpy.dtype numpy.ma.core._mareconstruct numpy._core._internal._convert_to_stringdtype_kwargs
	numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct
	numpy.core.multiarray.scalar numpy._core.multiarray.scalar
	numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
	pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath pathlib.PureWindowsPath
	pathlib.WindowsPath pathlib._local.Path pathlib._local.PosixPath pathlib._local.PurePath
	pathlib._local.PurePosixPath pathlib._local.PureWindowsPath pathlib._local.WindowsPath
	time.struct_time types.SimpleNamespace zoneinfo:ZoneInfo._unpickle`)

// harmlessNames are the constants and classes that may be written as a Global. Those of harmlessCalls and
// the builtin exceptions may be as well.
var harmlessNames = setOf(`builtins.Ellipsis builtins.NotImplemented
	builtins.bool builtins.bytearray builtins.bytes builtins.dict builtins.float builtins.int
	builtins.list builtins.object builtins.str builtins.tuple
	numpy.bool numpy.bool_ numpy.bytes_ numpy.complex128 numpy.complex64 numpy.datetime64
	numpy.float16 numpy.float32 numpy.float64 numpy.int16 numpy.int32 numpy.int64 numpy.int8
	numpy.longdouble numpy.matrix numpy.ndarray numpy.object_ numpy.recarray numpy.record numpy.str_
	numpy.timedelta64 numpy.uint16 numpy.uint32 numpy.uint64 numpy.uint8 numpy.void
	numpy.ma.MaskedArray numpy.ma.core.MaskedArray numpy.rec.recarray numpy.rec.record
	types.NoneType uuid.UUID`)

func isHarmlessCall(class string) bool { return harmlessCalls[class] || builtinException(class) }

func isHarmless(class string) bool { return harmlessNames[class] || isHarmlessCall(class) }

// python2Names are the names that Python 3 has for those of Python 2, as its own pickles of protocols
// below 3 have them. Python's table is longer; the rest names functions that no pickle holds.
var python2Names = map[string]string{
	"__builtin__.basestring":    "builtins.str",
	"__builtin__.long":          "builtins.int",
	"__builtin__.unicode":       "builtins.str",
	"__builtin__.xrange":        "builtins.range",
	"UserDict.IterableUserDict": "collections.UserDict",
	"UserDict.UserDict":         "collections.UserDict",
	"UserList.UserList":         "collections.UserList",
	"UserString.UserString":     "collections.UserString",
	"exceptions.StandardError":  "builtins.Exception",
}

// python2Modules are the modules that Python 3 calls otherwise.
var python2Modules = map[string]string{
	"__builtin__": "builtins", "exceptions": "builtins", "copy_reg": "copyreg", "Queue": "queue", "_abcoll": "collections.abc",
}

func fromPython2(module, name string) (newModule, newName string) {
	if full, ok := python2Names[module+"."+name]; ok {
		newModule, newName, _ = splitClass(full)
		return newModule, newName
	}
	if m, ok := python2Modules[module]; ok {
		module = m
	}
	return module, name
}

// python3Names are the names that protocols below 3 have for those of Python 3 in Python's own pickles.
var python3Names = map[string]string{
	"builtins.int": "__builtin__.long", "builtins.str": "__builtin__.unicode", "builtins.range": "__builtin__.xrange",
	"collections.UserDict": "UserDict.IterableUserDict", "collections.UserList": "UserList.UserList",
	"collections.UserString":       "UserString.UserString",
	"builtins.ModuleNotFoundError": "exceptions.ImportError",
}

// osErrors are kinds of OSError that Python 2 has not; Python 3 finds them by their number.
var osErrors = setOf(`BlockingIOError BrokenPipeError ChildProcessError ConnectionAbortedError
	ConnectionError ConnectionRefusedError ConnectionResetError FileExistsError FileNotFoundError
	InterruptedError IsADirectoryError NotADirectoryError PermissionError ProcessLookupError TimeoutError`)

// newExceptions are the other builtin exceptions that Python 2 has not.
var newExceptions = setOf(`BaseExceptionGroup BytesWarning EncodingWarning ExceptionGroup
	PythonFinalizationError RecursionError ResourceWarning StopAsyncIteration`)

func toPython2(module, name string) (oldModule, oldName string) {
	if full, ok := python3Names[module+"."+name]; ok {
		oldModule, oldName, _ = splitClass(full)
		return oldModule, oldName
	}
	switch module {
	case "builtins":
		switch {
		case osErrors[name]:
			return "exceptions", "OSError"
		case exceptions[name] && !newExceptions[name]:
			return "exceptions", name
		}
		return "__builtin__", name
	case "copyreg":
		return "copy_reg", name
	case "queue":
		return "Queue", name
	}
	return module, name
}
