"""The Python side of the benchmark, one turn a process.

bench.py PACKAGE serve: says ready when the object "bench" is served.
bench.py PACKAGE call|connect|batch|oneway|items URI CALLERS SECONDS SIZE: prints calls (or items), seconds and
the median in ns; SIZE is the calls of a batch, the one-way calls that are waited for together, and the items of
an iterator.
bench.py PACKAGE idle URI COUNT: says ready when that many connections are open, and keeps them.
"""

import importlib
import json
import statistics
import sys
import threading
import time

import common

MESSAGE = "hello world"
MAX_CONNECTS = 5000


def connect(proxy_class, uri):
    proxy = proxy_class(uri)
    call(proxy)
    return proxy


def call(proxy):
    if proxy.echo(MESSAGE) != MESSAGE:
        raise SystemExit("another answer than the message")


def batch(module, proxy, size):
    calls = module.BatchProxy(proxy) if hasattr(module, "BatchProxy") else module.batch(proxy)
    for _ in range(size):
        calls.echo(MESSAGE)
    got = sum(1 for answer in calls() if answer == MESSAGE)
    complete(got, size)


def oneway(_, proxy, size):
    before = proxy.noted()
    for _ in range(size):
        proxy.note()
    while proxy.noted() - before < size:
        pass


def items(_, proxy, size):
    complete(sum(1 for _ in proxy.items(size)), size)


def complete(got, want):
    if got != want:
        raise SystemExit("%d of %d came" % (got, want))


WORK = {"call": lambda _, proxy, size: call(proxy), "batch": batch, "oneway": oneway, "items": items}


def caller(module, work, uri, size, barrier, seconds, samples):
    proxy = connect(module.Proxy, uri)
    for _ in range(50):
        call(proxy)
    barrier.wait()
    end = time.perf_counter() + seconds
    while True:
        begin = time.perf_counter()
        if begin >= end:
            return
        work(module, proxy, size)
        samples.append(time.perf_counter() - begin)


def measure_work(module, mode, uri, callers, seconds, size):
    samples = []
    barrier = threading.Barrier(callers + 1)
    threads = [
        threading.Thread(target=caller, args=(module, WORK[mode], uri, size, barrier, seconds, samples))
        for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    report(samples, time.perf_counter() - begin, size)


def measure_connects(proxy_class, uri, seconds):
    samples = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds and len(samples) < MAX_CONNECTS:
        start = time.perf_counter()
        connect(proxy_class, uri)._pyroRelease()
        samples.append(time.perf_counter() - start)
    report(samples, time.perf_counter() - begin)


def report(samples, seconds, size=1):
    median = int(statistics.median(samples) * 1e9)
    print(json.dumps({"calls": len(samples) * size, "seconds": seconds, "median_ns": median}))


def idle(proxy_class, uri, count):
    proxies = [connect(proxy_class, uri) for _ in range(count)]
    common.say({"ready": {}})
    sys.stdin.read()
    return proxies


def serve(module):
    """Serve with the defaults of the dialect; one-way calls run in threads of their own there."""

    @module.expose
    class Bench:
        def __init__(self):
            self.count = 0
            self.lock = threading.Lock()

        def echo(self, message):
            return message

        @module.oneway
        def note(self):
            with self.lock:
                self.count += 1

        def noted(self):
            return self.count

        def items(self, n):
            return iter(range(n))

    common.raise_file_limit()
    daemon = module.Daemon(host="127.0.0.1")
    uri = daemon.register(Bench(), "bench")
    common.exit_with_stdin()
    common.say({"ready": {"bench": str(uri)}})
    daemon.requestLoop()


def main():
    package, mode = sys.argv[1:3]
    module = importlib.import_module({"Pyro4": "Pyro4", "Pyro5": "Pyro5.api"}[package])
    if mode == "serve":
        serve(module)
        return
    uri, count = sys.argv[3:5]
    if mode == "idle":
        common.raise_file_limit()
        idle(module.Proxy, uri, int(count))
    elif mode == "connect":
        measure_connects(module.Proxy, uri, float(sys.argv[5]))
    else:
        measure_work(module, mode, uri, int(count), float(sys.argv[5]), int(sys.argv[6]))


if __name__ == "__main__":
    main()
