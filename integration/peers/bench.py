"""The Python side of the benchmark, one turn a process.

bench.py PACKAGE call|connect URI CALLERS SECONDS: prints calls, seconds and the median in ns.
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


def caller(proxy_class, uri, barrier, seconds, samples):
    proxy = connect(proxy_class, uri)
    for _ in range(50):
        call(proxy)
    barrier.wait()
    end = time.perf_counter() + seconds
    while True:
        begin = time.perf_counter()
        if begin >= end:
            return
        call(proxy)
        samples.append(time.perf_counter() - begin)


def measure_calls(proxy_class, uri, callers, seconds):
    samples = []
    barrier = threading.Barrier(callers + 1)
    threads = [
        threading.Thread(target=caller, args=(proxy_class, uri, barrier, seconds, samples))
        for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    report(samples, time.perf_counter() - begin)


def measure_connects(proxy_class, uri, _, seconds):
    samples = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds and len(samples) < MAX_CONNECTS:
        start = time.perf_counter()
        connect(proxy_class, uri)._pyroRelease()
        samples.append(time.perf_counter() - start)
    report(samples, time.perf_counter() - begin)


def report(samples, seconds):
    median = int(statistics.median(samples) * 1e9)
    print(json.dumps({"calls": len(samples), "seconds": seconds, "median_ns": median}))


def idle(proxy_class, uri, count):
    proxies = [connect(proxy_class, uri) for _ in range(count)]
    common.say({"ready": {}})
    sys.stdin.read()
    return proxies


def main():
    package, mode, uri, count = sys.argv[1:5]
    module = {"Pyro4": "Pyro4.core", "Pyro5": "Pyro5.api"}[package]
    proxy_class = importlib.import_module(module).Proxy
    if mode == "idle":
        common.raise_file_limit()
        idle(proxy_class, uri, int(count))
        return
    measure = {"call": measure_calls, "connect": measure_connects}[mode]
    measure(proxy_class, uri, int(count), float(sys.argv[5]))


if __name__ == "__main__":
    main()
