"""The Python side of the comparison of serializers: what Pyro's own serializer objects need.

codecs.py SECONDS NESTED NAME...: measures each named serializer for about that long with the value that
the JSON text NESTED spells, and with one MiB of bytes; prints one JSON value. Pyro5 has what it knows,
Pyro4 the rest.
"""

import json
import platform
import sys
import time

import msgpack
import Pyro4.util
import Pyro5
import Pyro5.errors
import Pyro5.serializers
import serpent


def serializer(name):
    return Pyro5.serializers.serializers.get(name) or Pyro4.util.get_serializer(name)


def measure(work, seconds):
    """Returns the nanoseconds of one call."""
    count = 1
    while True:
        begin = time.perf_counter()
        for _ in range(count):
            work()
        took = time.perf_counter() - begin
        if took >= seconds:
            return took / count * 1e9
        count *= 2


def results(name, values, seconds):
    codec = serializer(name)
    for kind, value in values.items():
        try:
            data = codec.dumps(value)
        except Pyro5.errors.SerializeError:  # json has no bytes
            continue
        size = len(value) if isinstance(value, bytes) else len(data)
        for operation, work in (("encode", lambda: codec.dumps(value)), ("decode", lambda: codec.loads(data))):
            yield {"serializer": name, "value": kind, "operation": operation, "size": size, "ns": measure(work, seconds)}


def main():
    seconds = float(sys.argv[1])
    values = {"nested": json.loads(sys.argv[2]), "bytes": bytes(i * 7 & 255 for i in range(1 << 20))}
    print(json.dumps({
        "versions": "Python %s, Pyro4 %s, Pyro5 %s, serpent %s, msgpack %d.%d.%d" % (
            platform.python_version(), Pyro4.__version__, Pyro5.__version__, serpent.__version__, *msgpack.version),
        "results": [r for name in sys.argv[3:] for r in results(name, values, seconds)],
    }))


main()
