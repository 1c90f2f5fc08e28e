"""What the service of either dialect exposes, and how the scripts here talk to the Go harness.

A script answers on stdout in JSON lines and ends when its stdin does, so nothing outlives the
test that started it.
"""

import argparse
import array
import collections
import datetime
import decimal
import json
import math
import os
import resource
import sys
import threading
import time
import uuid

import serpent

# What an expression in a request may use, besides literals.
NAMES = {
    "array": array,
    "collections": collections,
    "datetime": datetime,
    "decimal": decimal,
    "inf": math.inf,
    "nan": math.nan,
    "uuid": uuid,
}


class CustomError(Exception):
    """An exception class that no other process knows."""


def evaluate(expression, names=None):
    return eval(expression, dict(NAMES, **(names or {})))


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def jsonable(value):
    """The value as JSON has it; what JSON cannot hold becomes its repr."""
    try:
        return json.loads(json.dumps(value, default=repr, allow_nan=False))
    except (TypeError, ValueError):
        return repr(value)


def exit_with_stdin():
    """End this process when stdin ends, which it does when the harness dies."""

    def watch():
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def raise_file_limit():
    """Allow as many open files, so connections, as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def hex_values(annotations):
    return {key: bytes(value).hex() for key, value in (annotations or {}).items()}


def full_class(value):
    return "%s.%s" % (type(value).__module__, type(value).__name__)


def apply_config(config, settings):
    """Set configuration items of Pyro from texts like COMPRESSION=True."""
    for setting in settings:
        name, _, value = setting.partition("=")
        if not hasattr(config, name):
            raise SystemExit("no configuration item %r" % name)
        try:
            value = evaluate(value)
        except (NameError, SyntaxError):
            pass  # a plain text, such as SERVERTYPE=multiplex
        setattr(config, name, value)


def service_options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix", help="path of a unix socket, instead of host and port")
    parser.add_argument("--nathost")
    parser.add_argument("--natport", type=int)
    parser.add_argument("--serializers", help="the accepted ones, separated by commas")
    parser.add_argument("--hmac", help="shared key (Pyro4)")
    parser.add_argument("--config", action="append", default=[], metavar="ITEM=VALUE")
    parser.add_argument("--ns", help="HOST:PORT of a name server to register at, as test.NAME")
    parser.add_argument("--handshake", help="refuse every other handshake value (an expression)")
    parser.add_argument("--annotate", action="store_true", help="the daemon annotates each reply")
    return parser.parse_args()


def daemon_class(base, options):
    """The dialect's Daemon with the hooks that the options ask for."""

    class Daemon(base):
        def validateHandshake(self, conn, data):
            if options.handshake is not None and data != evaluate(options.handshake):
                raise ValueError("handshake refused: %r" % (data,))
            return "hello" if options.handshake is None else ["welcome", data]

        def annotations(self):
            return {"DMON": b"from the daemon"} if options.annotate else {}

    return Daemon


def service_classes(api):
    """Make the exposed classes: api has expose, oneway, behavior, current_context, NamingError."""

    @api.expose
    class Counter(object):
        """Counts its own calls: how many, tells which callers share an instance."""

        def __init__(self):
            self.count = 0

        def increment(self):
            self.count += 1
            return self.count

    class Resource(object):
        def __init__(self, service):
            self._service = service

        def close(self):
            with self._service._lock:
                self._service._resources_closed += 1

    class Service(object):
        def __init__(self):
            self._velocity = 1.5
            self._received = []
            self._closed = 0
            self._resources = []
            self._resources_closed = 0
            self._lock = threading.Lock()

        # Values.

        @api.expose
        def echo(self, value):
            return value

        @api.expose
        def kind(self, value):
            return type(value).__name__

        @api.expose
        def same(self, value, expression):
            """Is value just what the expression gives, type included?"""
            want = evaluate(expression)
            return type(value) is type(want) and (value == want or repr(value) == repr(want))

        @api.expose
        def value(self, expression):
            return evaluate(expression)

        @api.expose
        def big(self, n):
            return "x" * n

        @api.expose
        def big_bytes(self, n):
            return b"x" * n

        @api.expose
        def blob_size(self, value):
            return len(serpent.tobytes(value) if isinstance(value, dict) else value)

        @api.expose
        def blob(self, blob):
            return [blob.info, blob.deserialized()]

        # Arguments.

        @api.expose
        def add(self, a, b=2):
            return a + b

        @api.expose
        def keywords(self, *args, **kwargs):
            return [list(args), dict(sorted(kwargs.items()))]

        @api.expose
        def nothing(self):
            pass

        @api.expose
        def __len__(self):
            return 3

        @api.expose
        def __getitem__(self, index):
            return ("one", "two", "three")[index]

        # Errors.

        @api.expose
        def fail(self, kind, *args):
            if kind == "zero":
                return 1 // 0
            if kind == "chained":
                try:
                    raise KeyError("cause")
                except KeyError as cause:
                    raise ValueError("effect") from cause
            classes = {
                "value": ValueError,
                "key": KeyError,
                "file": FileNotFoundError,
                "stop": StopIteration,
                "timeout": TimeoutError,
                "custom": CustomError,
                "naming": api.NamingError,
            }
            error = classes[kind](*args)
            error.detail = {"kind": kind}
            raise error

        # Streams.

        @api.expose
        def stream(self, n):
            return self._items(n)

        def _items(self, n):
            try:
                for item in range(n):
                    yield item
            finally:
                with self._lock:
                    self._closed += 1

        @api.expose
        def streams_closed(self):
            with self._lock:
                return self._closed

        @api.expose
        def stream_fails(self):
            yield 1
            yield 2
            raise ValueError("no third item")

        # One-way calls.

        @api.expose
        @api.oneway
        def notify(self, value):
            with self._lock:
                self._received.append(value)

        @api.expose
        @api.oneway
        def notify_fails(self):
            raise ValueError("nobody hears this")

        @api.expose
        def received(self):
            with self._lock:
                return list(self._received)

        # Attributes.

        @api.expose
        @property
        def velocity(self):
            return self._velocity

        @velocity.setter
        def velocity(self, value):
            self._velocity = value

        @api.expose
        @property
        def readonly(self):
            return "cannot be set"

        # The call and its connection.

        @api.expose
        def context(self):
            context = api.current_context
            return {
                "correlation_id": context.correlation_id and str(context.correlation_id),
                "annotations": hex_values(context.annotations),
                "seq": context.seq,
                "flags": context.msg_flags,
                "serializer_id": context.serializer_id,
                "client": str(context.client_sock_addr),
            }

        @api.expose
        def annotated(self):
            api.current_context.response_annotations = {"RESP": b"from the method"}
            return "annotated"

        @api.expose
        def open(self):
            """Open what is closed when the caller's connection ends."""
            resource = Resource(self)
            self._resources.append(resource)  # Pyro itself holds a weak reference
            api.current_context.track_resource(resource)

        @api.expose
        def resources_closed(self):
            with self._lock:
                return self._resources_closed

        @api.expose
        def sleep(self, seconds):
            time.sleep(seconds)
            return seconds

        # Objects.

        @api.expose
        def new_counter(self):
            counter = Counter()
            self._pyroDaemon.register(counter)
            return counter

        @api.expose
        def new_counters(self):
            """Registered objects wherever a value can stand."""
            return {"list": [self.new_counter()], "tuple": (1, self.new_counter())}

        @api.expose
        def describe(self, proxy):
            """What a proxy that arrived knows before it connects."""
            return [
                str(proxy._pyroUri),
                sorted(proxy._pyroMethods),
                sorted(proxy._pyroOneway),
                sorted(proxy._pyroAttrs),
                proxy._pyroHandshake,
                proxy._pyroSerializer,
            ]

        @api.expose
        def call_back(self, proxy, method, *args):
            """Call a method of an object that lives with the caller."""
            return getattr(proxy, method)(*args)

    class Dispatcher(object):
        """Passes blobs on to those that listen, and looks at nothing but their info."""

        def __init__(self):
            self._listeners = collections.defaultdict(list)

        @api.expose
        def listen(self, topic, listener):
            self._listeners[topic].append(listener)

        @api.expose
        def forget(self):
            self._listeners.clear()

        @api.expose
        def dispatch(self, blob):
            results = []
            for listener in self._listeners[blob.info]:
                if hasattr(listener, "_pyroClaimOwnership"):
                    listener._pyroClaimOwnership()  # Pyro5: calls come in any thread
                results.append(listener.process(blob))
            return results

    def counter(mode):
        return api.behavior(instance_mode=mode)(api.expose(type(mode.title(), (Counter,), {})))

    classes = {mode: counter(mode) for mode in ("session", "single", "percall")}
    return dict(classes, svc=Service(), dispatcher=Dispatcher())


def serve(api, daemon, options):
    """Register everything, say where it is, and serve."""
    raise_file_limit()
    ready = {}
    for name, served in service_classes(api).items():
        ready[name] = str(daemon.register(served, name))
    if options.ns:
        host, _, port = options.ns.rpartition(":")
        with api.locate_ns(host, int(port)) as names:
            for name, uri in ready.items():
                names.register("test." + name, uri, metadata=["test", name])
    exit_with_stdin()
    say({"ready": ready})
    daemon.requestLoop()
