package pyro_test

// replayDeviations are the answers to exchanges that are, on purpose, not those of Python. Not among them is
// what a Service cannot be made to do: end the connection after the exception of a @callback method
// (callback-exception), and show every local variable in a traceback (detailed-traceback).
var replayDeviations = []deviation{
	{
		names:  []string{"pyro?/serpent/argument-types"},
		reason: "serpent's base64 dict is bytes here, which is what the caller sent",
		want:   `"tuple" "bytes" "complex"`,
	},
	{
		names:  []string{"pyro?/msgpack/argument-types"},
		reason: "Python leaves msgpack's extensions unread in arguments (until Pyro5 5.17)",
		want:   `"bytes" "complex" "datetime" "date"`,
	},
	{
		names:  []string{"pyro?/*/exception-custom"},
		reason: "a class that the client does not know costs it its connection",
		want:   `exception builtins.RuntimeError("service.CustomError: not a builtin")`,
	},
	{
		names:  []string{"pyro4/pickle/exception-unserializable"},
		reason: "a pickle can hold Python's class object, but no function of Go's",
		want:   `exception Pyro4.errors.PyroError("Error serializing exception: `,
	},
	{
		names:  []string{"pyro?/*/exception-unserializable"},
		reason: "each language has its own words for what it cannot encode",
	},
	{
		names:  []string{"pyro?/*/result-unserializable"},
		reason: "Python's class differs from serializer to serializer, and some of them end the connection",
		want:   "exception builtins.TypeError(",
	},
	{
		names:  []string{"pyro4/*/context"},
		reason: "the correlation id has a field of its own and is no annotation",
		want:   `{annotations:{USR1:"\x01\x02" USR2:""} correlation_id:"11112222-3333-4444-5555-666677778888"`,
	},
	{
		names:  []string{"pyro4/json/instance", "pyro4/marshal/instance", "pyro4/msgpack/instance"},
		reason: "since Python 3.11 Pyro4 loses the class of instances (reference: all objects have __getstate__)",
		want:   `instance service.Item{name:"bolt" size:3}`,
	},
	{
		names:  []string{"pyro?/json/blob"},
		reason: "deserialized() of a blob does not work in Python with json",
		want:   `["blob-info" [1 "two"]]`,
	},
	{
		names:  []string{"pyro?/marshal/other"},
		reason: "marshal in Python replaces no registered object by its proxy",
		want:   "proxy PYRO:other@",
	},
	{
		names:  []string{"pyro?/annotations-after-exception"},
		reason: "what a failing method set leaks into Python's next reply",
		want:   `"next"`,
	},
	{
		names:  []string{"pyro?/wrong-arguments"},
		reason: "Python counts self",
	},
	{
		names:  []string{"pyro?/unexposed-method"},
		reason: "what was not named is not there",
		want:   "exception builtins.AttributeError(\"'plain' object has no attribute 'hidden'\")",
	},
	{
		names:  []string{"pyro?/communication-error"},
		reason: "a method's own error is always told; Python ends the connection without a word",
		want:   `exception builtins.TimeoutError("pretended")`,
	},
}

// probeDeviations are the same for raw bytes.
var probeDeviations = []deviation{
	{
		names:  []string{"pyro4/pyro5-client", "pyro5/pyro4-client"},
		reason: "every listener answers both dialects",
		want:   `{handshake:"hello" meta:`,
		ends:   "open",
	},
	{
		names:  []string{"pyro4/garbage"},
		reason: "what has no version has no dialect: it is told in Pyro5's",
		want:   `"invalid data"`,
	},
	{
		names:  []string{"pyro?/payload-garbage", "pyro?/payload-empty"},
		reason: "Python's place of a syntax error is a line",
		want:   `"invalid syntax (`,
	},
	{
		names:  []string{"pyro?/call-garbage", "pyro?/call-empty"},
		reason: "Python tells the place of a syntax error in further arguments",
		want:   `exception builtins.SyntaxError("invalid syntax (`,
	},
	{
		names:  []string{"pyro?/call-three-tuple", "pyro?/call-code"},
		reason: "a payload that is no call is bad syntax here, however Python comes to notice it",
		want:   "exception builtins.SyntaxError(",
	},
	{
		names:  []string{"pyro?/call-unknown-class", "pyro?/call-dunder-class"},
		reason: "an instance of an unknown class is data here, which nothing is run for",
		want:   "instance no",
		ends:   "open",
	},
	{
		names:  []string{"pyro?/call-kwargs-none", "pyro?/call-args-none"},
		reason: "Python names the function",
	},
	{
		names:  []string{"pyro4/call-bad-deflate"},
		reason: "no Pyro client knows the class zlib.error: it would lose its connection",
		want:   `exception builtins.ValueError("cannot decompress the payload`,
	},
}
