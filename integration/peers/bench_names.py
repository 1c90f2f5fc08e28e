"""The Python side of the benchmark of name servers.

bench_names.py PACKAGE serve memory|sql FILE COUNT: says ready when a name server with COUNT names is there.
bench_names.py PACKAGE lookup URI COUNT SECONDS: prints how many of COUNT names were looked up, the seconds and the
median in ns.
"""

import importlib
import json
import random
import sqlite3
import statistics
import sys
import time

import common

RARE = "rare"


def modules(package):
    if package == "Pyro4":
        core = importlib.import_module("Pyro4.core")
        return importlib.import_module("Pyro4.naming"), core.Proxy
    return importlib.import_module("Pyro5.nameserver"), importlib.import_module("Pyro5.api").Proxy


def name_of(i):
    return "p%d.bench.%08d" % (i % 10, i)


def tags_of(i, count):
    return {"bench", "common"} | ({RARE} if i % (count // 10) == 5 else set())


def uri_of(i):
    return "PYRO:obj_%d@192.168.1.17:50123" % i


def fill(storage, count):
    for i in range(count):
        storage[name_of(i)] = uri_of(i), tags_of(i, count)


def fill_file(file, count):
    """In one transaction, which the server itself does not do, and only for being quick."""
    with sqlite3.connect(file) as db:
        for i in range(count):
            row = db.execute("INSERT INTO pyro_names(name, uri) VALUES(?, ?)", (name_of(i), uri_of(i))).lastrowid
            db.executemany("INSERT INTO pyro_metadata(object, metadata) VALUES(?, ?)",
                           [(row, tag) for tag in tags_of(i, count)])


def serve(package, kind, file, count):
    naming, _ = modules(package)
    storage = "memory" if kind == "memory" else "sql:" + file
    daemon = naming.NameServerDaemon(host="127.0.0.1", port=0, storage=storage)
    if kind == "memory":
        fill(daemon.nameserver.storage, count)
    else:
        fill_file(file, count)
    common.raise_file_limit()
    common.exit_with_stdin()
    common.say({"ready": {"bench": str(daemon.uriFor(daemon.nameserver))}})
    daemon.requestLoop()


def look_up(package, uri, count, seconds):
    _, proxy_class = modules(package)
    if not uri.startswith("PYRO:"):  # a server in Go says HOST:PORT
        uri = "PYRO:Pyro.NameServer@" + uri
    samples = []
    with proxy_class(uri) as names:
        wanted = [name_of(random.randrange(count)) for _ in range(1000)]
        names.lookup(wanted[0])
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            names.lookup(wanted[len(samples) % len(wanted)])
            samples.append(time.perf_counter() - start)
        took = time.perf_counter() - begin
    print(json.dumps({"calls": len(samples), "seconds": took, "median_ns": int(statistics.median(samples) * 1e9)}))


def main():
    package, mode = sys.argv[1:3]
    if mode == "serve":
        kind, file, count = sys.argv[3:6]
        serve(package, kind, file, int(count))
    else:
        uri, count, seconds = sys.argv[3:6]
        look_up(package, uri, int(count), float(seconds))


if __name__ == "__main__":
    main()
