"""A Python client that does what JSON requests on stdin say and prints what it saw, a line each.

Values in requests are Python expressions, so that a tuple stays a tuple. Every answer has "ok";
{"ok": false, "error": ...} is an exception as a Python caller sees it. A request that makes no
sense ends the process.
"""

import argparse
import json
import sys
import threading
import time
import traceback
import uuid

import common


class Driver:
    """Keeps named proxies; each public method carries out the request of that name."""

    def __init__(self, api, options):
        self.api = api
        self.options = options
        self.proxies = {}

    def answer(self, request):
        context = self.api.current_context
        context.annotations = {
            key: bytes.fromhex(value) for key, value in request.get("annotations", {}).items()
        }
        context.correlation_id = (
            uuid.UUID(request["correlation_id"]) if "correlation_id" in request else None
        )
        context.response_annotations = {}
        started = time.monotonic()
        try:
            answer = dict(getattr(self, request["op"])(request), ok=True)
        except Exception as error:
            answer = {"ok": False, "error": self.seen_error(error)}
        answer["seconds"] = time.monotonic() - started
        answer["annotations"] = common.hex_values(context.response_annotations)
        answer["correlation_id"] = context.correlation_id and str(context.correlation_id)
        return answer

    # Requests.

    def proxy(self, request):
        """Make a proxy; nothing is connected yet."""
        self.proxies[request["proxy"]] = self.new_proxy(request)
        return {}

    def locate(self, request):
        """Find a name server; its proxy gets the given name."""
        found = self.api.locate_ns(request.get("host"), request.get("port"))
        self.proxies[request["proxy"]] = found
        return {"repr": str(found._pyroUri)}

    def call(self, request):
        method = getattr(self.target(request), request["method"])
        value = method(*self.arguments(request), **self.keywords(request))
        if request.get("save"):
            self.proxies[request["save"]] = value
        return self.seen(value)

    def blob(self, request):
        """Call with the arguments as one serialized blob."""
        blob = self.api.SerializedBlob(request.get("info", ""), list(self.arguments(request)))
        return self.seen(getattr(self.target(request), request["method"])(blob))

    def get(self, request):
        return self.seen(getattr(self.target(request), request["attr"]))

    def set(self, request):
        setattr(self.target(request), request["attr"], self.evaluate(request["value"]))
        return {}

    def iterate(self, request):
        """Call a method and take items until they end, fail, or are enough."""
        method = getattr(self.target(request), request["method"])
        stream = iter(method(*self.arguments(request), **self.keywords(request)))
        items, error = self.take(stream, request.get("limit"))
        if hasattr(stream, "close"):
            stream.close()
        return {"type": common.full_class(stream), "items": items, "failure": error}

    def batch(self, request):
        batch = self.api.BatchProxy(self.target(request))
        for call in request["calls"]:
            method = getattr(batch, call["method"])
            method(*self.arguments(call), **self.keywords(call))
        results = batch(oneway=request.get("oneway", False))
        if results is None:
            return {"items": []}
        items, error = self.take(iter(results), None)
        return {"items": items, "failure": error}

    def bind(self, request):
        proxy = self.target(request)
        proxy._pyroBind()
        return {"repr": str(proxy._pyroUri)}

    def release(self, request):
        self.target(request)._pyroRelease()
        return {}

    def reconnect(self, request):
        self.target(request)._pyroReconnect(tries=request.get("tries", 1))
        return {}

    def metadata(self, request):
        proxy = self.target(request)
        proxy._pyroBind()
        known = {
            "methods": sorted(proxy._pyroMethods),
            "oneway": sorted(proxy._pyroOneway),
            "attrs": sorted(proxy._pyroAttrs),
        }
        return dict(self.seen(known), seq=proxy._pyroSeq)

    def ping(self, request):
        """Ping the daemon as an object: Pyro.Daemon's method."""
        return self.seen(self.daemon_of(request).ping())

    def threads(self, request):
        """Call from many threads, each with a proxy of its own; the value is what each saw last."""
        last = [None] * request["threads"]
        failures = []

        def work(number):
            try:
                with self.new_proxy(request) as proxy:
                    method = getattr(proxy, request["method"])
                    for _ in range(request.get("count", 1)):
                        last[number] = method(*self.arguments(request), **self.keywords(request))
            except Exception as error:
                failures.append(self.seen_error(error))

        workers = [threading.Thread(target=work, args=(n,)) for n in range(len(last))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return dict(self.seen(last), failures=failures)

    def callback(self, request):
        """Call a method with an object of this process, which is to be called back.

        The object is the method's first argument; the value is what the object was called with.
        """
        calls = []

        @self.api.expose
        class Callback:
            def report(self, *args):
                calls.append(args)
                return len(calls)

        with self.api.Daemon(host="127.0.0.1") as daemon:
            callback = Callback()
            daemon.register(callback)
            threading.Thread(target=daemon.requestLoop, daemon=True).start()
            method = getattr(self.target(request), request["method"])
            result = method(callback, *self.arguments(request), **self.keywords(request))
            daemon.shutdown()
        return dict(self.seen(calls), items=[self.seen(result)])

    # Helpers.

    def new_proxy(self, request):
        proxy = self.api.Proxy(request["uri"])
        hmac = request.get("hmac", self.options.hmac)
        if hmac:
            proxy._pyroHmacKey = hmac
        proxy._pyroSerializer = request.get("serializer", self.options.serializer)
        if "handshake" in request:
            proxy._pyroHandshake = self.evaluate(request["handshake"])
        if "timeout" in request:
            proxy._pyroTimeout = request["timeout"]
        if "retries" in request:
            proxy._pyroMaxRetries = request["retries"]
        return proxy

    def target(self, request):
        return self.proxies[request["proxy"]]

    def daemon_of(self, request):
        uri = self.target(request)._pyroUri
        return self.new_proxy(dict(request, uri="PYRO:Pyro.Daemon@" + uri.location))

    def evaluate(self, expression):
        return common.evaluate(expression, {"proxies": self.proxies})

    def arguments(self, request):
        return self.evaluate(request.get("args", "()"))

    def keywords(self, request):
        return self.evaluate(request.get("kwargs", "{}"))

    def take(self, stream, limit):
        items = []
        try:
            while limit is None or len(items) < limit:
                items.append(self.seen(next(stream)))
        except StopIteration:
            pass
        except Exception as error:
            return items, self.seen_error(error)
        return items, None

    def seen(self, value):
        return {"value": common.jsonable(value), "repr": repr(value), "type": common.full_class(value)}

    def seen_error(self, error):
        attributes = {k: repr(v) for k, v in vars(error).items() if not k.startswith("_pyro")}
        remote = getattr(error, "_pyroTraceback", None)
        return {
            "class": common.full_class(error),
            "text": str(error),
            "args": repr(error.args),
            "attributes": attributes,
            "remote_traceback": "".join(remote or []),
            "local_traceback": "".join(
                traceback.format_exception(type(error), error, error.__traceback__)
            ),
        }


def run(api, config, description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--serializer", default="serpent", help="of proxies that name none")
    parser.add_argument("--hmac", help="shared key of proxies that name none (Pyro4)")
    parser.add_argument("--config", action="append", default=[], metavar="ITEM=VALUE")
    options = parser.parse_args()
    common.apply_config(config, options.config)
    driver = Driver(api, options)
    common.say({"ready": {}})
    for line in sys.stdin:
        common.say(driver.answer(json.loads(line)))
