"""Encodes and decodes values with Pyro's own serializers, as JSON requests on stdin say.

usage: values.py 4|5    the dialect

It also serves an object "echo" whose methods a Go client calls. Bytes in requests and answers are
base64. Values go out as values_describe describes them, and are made by values_generate.
"""

import base64
import json
import sys
import threading
import types

import common
import values_classes as classes
import values_describe
import values_forms
import values_generate


def pyro4():
    import Pyro4
    import Pyro4.core
    import Pyro4.futures
    import Pyro4.util

    config = Pyro4.config
    config.SERIALIZERS_ACCEPTED = {"serpent", "json", "marshal", "msgpack", "pickle", "cloudpickle", "dill"}

    def serializer(name, protocol=None):
        if protocol is not None:
            config.PICKLE_PROTOCOL_VERSION = config.DILL_PROTOCOL_VERSION = protocol
        return Pyro4.util.get_serializer(name)

    return types.SimpleNamespace(
        base=Pyro4.util.SerializerBase,
        BatchProxy=Pyro4.core._BatchProxyAdapter,
        config=config,
        Daemon=Pyro4.Daemon,
        expose=Pyro4.expose,
        exceptions=(Pyro4.errors.NamingError, Pyro4.errors.DaemonError, Pyro4.errors.PyroError),
        Proxy=Pyro4.Proxy,
        serializer=serializer,
        URI=Pyro4.URI,
        Wrapper=Pyro4.futures._ExceptionWrapper,
    )


def pyro5():
    import Pyro5.api
    import Pyro5.core
    import Pyro5.errors
    import Pyro5.serializers

    return types.SimpleNamespace(
        base=Pyro5.serializers.SerializerBase,
        BatchProxy=Pyro5.api.BatchProxy,
        config=Pyro5.api.config,
        Daemon=Pyro5.api.Daemon,
        expose=Pyro5.api.expose,
        exceptions=(Pyro5.errors.NamingError, Pyro5.errors.DaemonError, Pyro5.errors.PyroError),
        Proxy=Pyro5.api.Proxy,
        serializer=lambda name, protocol=None: Pyro5.serializers.serializers[name],
        URI=Pyro5.api.URI,
        Wrapper=Pyro5.core._ExceptionWrapper,
    )


def register_classes(base):
    """Item is the class that the serializers know both ways."""

    def item_from(name, attributes):
        attributes.pop("__class__")
        return classes.Item(**attributes)

    base.register_class_to_dict(classes.Item, lambda x: dict(vars(x), __class__="values_classes.Item"))
    base.unregister_class_to_dict(classes.Stranger)
    base.register_dict_to_class("values_classes.Item", item_from)


def encoded(data):
    return base64.b64encode(data).decode("ascii")


def error_of(error):
    return "%s: %.200s" % (common.full_class(error), error)


class Exchange:
    """Each public method carries out the request of that name."""

    def __init__(self, pyro):
        self.pyro = pyro
        self.wanted = []  # what the Go side has to arrive at, of the values that were made last

    def see(self, request):
        """What values that Go wrote are here, and what this side writes in return."""
        serializer = self.serializer(request)
        return {"seen": [self.seen(serializer, base64.b64decode(data)) for data in request["data"]]}

    def seen(self, serializer, data):
        try:
            value = serializer.loads(data)
            answer = {"value": values_describe.describe(value)}
        except Exception as error:
            return {"error": error_of(error)}
        try:
            again = serializer.dumps(value)
            answer.update(again=encoded(again), reads=values_describe.describe(serializer.loads(again)))
        except Exception as error:
            answer.update(again_error=error_of(error))
        return answer

    def make(self, request):
        """Values for Go to read, each with what this side reads of it."""
        serializer = self.serializer(request)
        self.wanted = []
        made = []
        for index in range(request["first"], request["first"] + request["count"]):
            value, data, refused = self.made(serializer, request, index)
            answer = {"data": encoded(data), "repr": "%.300s" % safe_repr(value), "refused": refused}
            try:
                answer["value"] = values_describe.describe(serializer.loads(data))
                self.wanted.append(answer["value"])
            except Exception as error:
                answer["error"] = error_of(error)
                self.wanted.append(error)
            made.append(answer)
        return {"made": made}

    def made(self, serializer, request, index):
        """A value that the serializer takes, its bytes, and the errors of those that it did not take."""
        refused = []
        while True:
            seed = "%s/%s/%d/%d" % (request["seed"], request["serializer"], index, len(refused))
            generator = values_generate.Generator(seed, request["serializer"], self.pyro)
            value = generator.value()
            try:
                return value, values_forms.write(generator.r, request["serializer"], serializer, value), refused
            except Exception as error:
                refused.append(error_of(error))

    def judge(self, request):
        """Is what Go wrote what was made last? A verdict for each that it wrote, empty if so.

        The calls are those of a class that nobody knows to be harmless.
        """
        serializer = self.serializer(request)
        self.loss = values_describe.Loss(request["serializer"], request.get("protocol"), request["ordered"])
        classes.Bag.calls = 0
        verdicts = [
            data and self.verdict(serializer, want, base64.b64decode(data)) or ""
            for want, data in zip(self.wanted, request["data"])
        ]
        return {"verdicts": verdicts, "calls": classes.Bag.calls}

    def verdict(self, serializer, want, data):
        if isinstance(want, (TypeError, UnicodeDecodeError)):
            return ""  # Go reads serpent's bytes as keys, and Python 2's bytes
        try:
            got = values_describe.describe(serializer.loads(data))
        except Exception as error:
            if type(error) is type(want):
                return ""
            return "reading what Go wrote raises %s (%.300r)" % (error_of(error), data)
        if isinstance(want, Exception):
            return "Go wrote %.300s, where reading raised %s" % (json.dumps(got), error_of(want))
        return values_describe.difference(self.loss.of(want), self.loss.of(got))

    def call(self, request):
        """Send values to a Go service and have them sent back, as arguments of every kind."""
        serializer = self.serializer(request)
        self.loss = values_describe.Loss(request["serializer"], request.get("protocol"), ordered=False)
        calls = []
        with self.pyro.Proxy(request["uri"]) as proxy:
            proxy._pyroSerializer = request["serializer"]
            for index in range(request["first"], request["first"] + request["count"]):
                value, _, _ = self.made(serializer, request, index)
                way = self.ways(request["serializer"], value)[index % 4]
                calls.append([way.__name__, safe_repr(value)[:300], self.called(lambda v: way(proxy, v), serializer, value)])
        return {"calls": calls}

    def ways(self, serializer, value):
        def positional(proxy, value):
            return proxy.echo(value)

        def keyword(proxy, value):
            return proxy.echo(value=value)

        def raw(proxy, value):
            return proxy.raw(value)

        def batch(proxy, value):
            calls = self.pyro.BatchProxy(proxy)
            calls.echo(value)
            return next(iter(calls()))

        if serializer == "marshal" or isinstance(value, self.pyro.Wrapper):
            batch = positional  # the one has no batches, the other would be raised
        return positional, keyword, raw, batch

    def called(self, call, serializer, value):
        """How what came back differs from what a Python service would send back; empty if it does not."""

        def python(value):
            arguments = serializer.loadsCall(serializer.dumpsCall("echo", "echo", (value,), {}))[2]
            return serializer.loads(serializer.dumps(arguments[0]))

        want, got = (self.outcome(way, value) for way in (python, call))
        if want in ("raises builtins.TypeError", "raises builtins.ValueError"):
            return ""  # Python wrote what it cannot read; Go may have been able to
        difference = values_describe.difference(want, got)
        return difference and "raises" in got and "%s: %s" % (difference, self.raised) or difference

    def outcome(self, call, value):
        """What a call returns, described, or the class of what it raises."""
        try:
            value = call(value)
        except Exception as error:
            self.raised = error
            return "raises " + common.full_class(error)
        return self.loss.of(values_describe.describe(value))

    def serializer(self, request):
        if "bytes_repr" in request:
            self.pyro.config.SERPENT_BYTES_REPR = request["bytes_repr"]
        return self.pyro.serializer(request["serializer"], request.get("protocol"))


def safe_repr(value):
    try:
        return repr(value)
    except Exception as error:
        return "<no repr: %s>" % error_of(error)


def serve(pyro):
    @pyro.expose
    class Echo:
        def echo(self, value):
            return value

        def describe(self, value):
            return values_describe.text(value)

    daemon = pyro.Daemon(host="127.0.0.1")
    uri = daemon.register(Echo(), "echo")
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    return str(uri)


def main():
    pyro = {"4": pyro4, "5": pyro5}[sys.argv[1]]()
    sys.setrecursionlimit(5000)
    register_classes(pyro.base)
    exchange = Exchange(pyro)
    common.say({"ready": {"echo": serve(pyro)}})
    for line in sys.stdin:
        request = json.loads(line)
        common.say(getattr(exchange, request.pop("op"))(request))


main()
