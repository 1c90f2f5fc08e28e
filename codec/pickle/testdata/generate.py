#!/usr/bin/env python
"""Writes pickles of this Python, for the tests of package pickle, to pythonX.Y-numpyX.Y.json beside this file.

usage: generate.py      with numpy, Python 2.7 or 3; dill and cloudpickle are used where they are found

Each entry has the name of the value, who pickled it in which protocol, the bytes, and what a reader must find: numpy's
arrays and scalars by type, shape (null for a scalar), order and data, all else as text that python_test.go makes of
Go's values, too.
"""
from __future__ import print_function

import array
import binascii
import collections
import datetime
import decimal
import io
import json
import os
import pickle
import sys
import uuid

import numpy

PY2 = sys.version_info[0] == 2


def hexed(data):
    return binascii.hexlify(data).decode("ascii")


def spelled(dtype):
    """The type as codec.NDArray has it."""
    if dtype.names is None:
        return dtype.str
    packed = not dtype.isalignedstruct
    at = 0
    for name in dtype.names:
        packed = packed and dtype.fields[name][1] == at
        at += dtype.fields[name][0].itemsize
    if packed and at == dtype.itemsize:
        parts = []
        for name in dtype.names:
            of = dtype.fields[name][0]
            shape = ", %s" % (of.shape,) if of.shape else ""
            parts.append("('%s', %s%s)" % (name, quoted(of.base), shape))
        return "[%s]" % ", ".join(parts)
    return "{'names': [%s], 'formats': [%s], 'offsets': [%s], 'itemsize': %d%s}" % (
        ", ".join("'%s'" % name for name in dtype.names),
        ", ".join(quoted(dtype.fields[name][0]) for name in dtype.names),
        ", ".join(str(dtype.fields[name][1]) for name in dtype.names),
        dtype.itemsize, ", 'aligned': True" if dtype.isalignedstruct else "")


def quoted(dtype):
    return "'%s'" % dtype.str if dtype.names is None else spelled(dtype)


def want(v):
    if isinstance(v, numpy.generic):
        return {"dtype": spelled(v.dtype), "shape": None, "fortran": False, "data": hexed(v.tobytes())}
    fortran = v.flags.f_contiguous and not v.flags.c_contiguous
    return {"dtype": spelled(v.dtype), "shape": list(v.shape), "fortran": bool(fortran),
            "data": hexed(v.tobytes("F" if fortran else "C"))}


def arrays():
    grid = numpy.arange(6, dtype="<u2").reshape(2, 3)
    cube = numpy.arange(24, dtype="<i4").reshape(2, 3, 4)
    yield "frame", grid
    yield "big-endian frame", grid.astype(">u2")
    yield "frame in Fortran order", numpy.asfortranarray(grid)
    yield "transposed cube", cube.transpose(2, 0, 1)
    yield "every other", numpy.arange(10, dtype="<f8")[::2]
    yield "without elements", numpy.zeros((0, 3), "<f4")
    yield "without dimensions", numpy.array(5, "<i8")
    yield "bools", numpy.array([True, False])
    yield "bytes", numpy.array([b"ab", b"c"])
    yield "text", numpy.array([u"ab", u"\xe9"])
    yield "complex", numpy.array([1 + 2j], "<c16")
    yield "half floats", numpy.array([1.5], "<f2")
    yield "times", numpy.array(["2020-01-01"], "<M8[ns]")
    yield "spans", numpy.array([5], "<m8[25s]")
    yield "records", numpy.zeros(2, [("x", "<f4"), ("y", ">i2", (2,))])
    yield "records in records", numpy.zeros(1, [("a", [("b", "<i4"), ("c", "S3")]), ("d", "<M8[s]")])
    yield "aligned records", numpy.zeros(1, numpy.dtype([("x", "i1"), ("y", "<i8")], align=True))
    yield "records with gaps", numpy.zeros(1, {"names": ["a", "b"], "formats": ["<i2", "<f4"], "offsets": [2, 8], "itemsize": 16})
    yield "records of bytes", numpy.zeros(1, "V4")
    yield "scalar float32", numpy.float32(1.5)
    yield "scalar int64", numpy.int64(-5)
    yield "scalar bool", numpy.bool_(True)
    yield "scalar text", numpy.array(u"abc")[()]
    yield "scalar time", numpy.datetime64("2020-01-01", "D")
    yield "scalar record", numpy.zeros(1, [("x", "<f4")])[0]


class Old:
    pass


class New(object):
    pass


def instance(cls, **attrs):
    v = cls()
    v.__dict__.update(attrs)
    return v


def others():
    yield "None", None, "None"
    yield "True", True, "bool true"
    yield "int", -5, "int -5"
    yield "long", 2 ** 70, "int 1180591620717411303424"
    yield "float", 1.5, "float 1.5"
    yield "complex", 1 - 2j, "complex (1-2i)"
    yield "text", u"a\u20ac\U0001f600\\\n", u"str a\u20ac\U0001f600\\\n"
    yield "ASCII str", "abc", "str abc"
    yield "bytes", b"\xff\x00'\n", "bytes ff00270a"
    yield "bytearray", bytearray(b"ab\xff"), "bytes 6162ff"
    yield "list", [1, [2]], "list int 1;list int 2;;"
    yield "tuple", (1, 2, 3, 4), "tuple int 1;int 2;int 3;int 4;"
    yield "set", set([1]), "set int 1;"
    yield "frozenset", frozenset([1]), "frozenset int 1;"
    yield "dict", {"a": 1}, "dict str a=int 1;"
    yield "dict by int", {1: "a"}, "dict int 1=str a;"
    yield "datetime", datetime.datetime(2020, 2, 29, 13, 14, 15, 678), "time 2020-02-29T13:14:15.000678 naive"
    yield "date", datetime.date(2020, 2, 29), "date 2020-02-29"
    yield "time", datetime.time(1, 2, 3, 4), "clock 01:02:03.000004"
    yield "timedelta", datetime.timedelta(-1, 5, 6), "span -23h59m54.999994s"
    yield "Decimal", decimal.Decimal("1.50"), "decimal 1.50"
    yield "UUID", uuid.UUID(int=5), "uuid 00000000-0000-0000-0000-000000000005"
    yield "array", array.array("h", [1, -2]), "array h [1 -2]"
    yield "array of text", array.array("u", u"ab"), "array u ab"
    yield "OrderedDict", collections.OrderedDict([("b", 1), ("a", 2)]), "dict str b=int 1;str a=int 2;"
    yield "defaultdict", collections.defaultdict(list, a=[]), "dict str a=list ;"
    yield "Counter", collections.Counter("aa"), "dict str a=int 2;"
    yield "deque", collections.deque([1, 2], 5), "list int 1;int 2;"
    yield "exception", ValueError("x", 1), "instance builtins.ValueError __exception__=bool true;args=tuple str x;int 1;;attributes=dict ;"
    yield "instance", instance(New, a=1), "instance __main__.New a=int 1;"
    yield "old instance", instance(Old, a=1), "instance __main__.Old a=int 1;"
    yield "type", dict, "global builtins.dict"


def pickles(v):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield "pickle", protocol, pickle.dumps(v, protocol)
        if PY2:
            import cPickle
            yield "cPickle", protocol, cPickle.dumps(v, protocol)
        else:
            python = io.BytesIO()
            pickle._Pickler(python, protocol).dump(v)
            yield "pickle in Python", protocol, python.getvalue()


def helpers(v):
    for name in ("cloudpickle", "dill"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        yield name, 4, module.dumps(v, 4)


def main():
    entries, seen = [], set()

    def add(name, v, found):
        for by, protocol, data in list(pickles(v)) + list(helpers(v)):
            if (name, data) in seen:
                continue
            seen.add((name, data))
            entries.append(dict({"name": name, "by": by, "protocol": protocol, "hex": hexed(data)}, **found))

    for name, v in arrays():
        try:
            pickle.dumps(v, pickle.HIGHEST_PROTOCOL)
        except ValueError:  # numpy 1.16 in Python 3
            continue
        add(name, v, {"array": want(v)})
    for name, v, text in others():
        add(name, v, {"text": text})
    major = ".".join(numpy.__version__.split(".")[:2])
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python%d.%d-numpy%s.json" % (sys.version_info[:2] + (major,)))
    with io.open(file, "w", encoding="utf-8") as out:
        lines = [json.dumps(e, sort_keys=True) for e in entries]
        out.write(u'{"python": "%s", "numpy": "%s", "pickles": [\n' % (sys.version.split()[0], numpy.__version__))
        out.write(u",\n".join(l if not PY2 else l.decode("ascii") for l in lines))
        out.write(u"\n]}\n")
    print(file, len(entries))


if __name__ == "__main__":
    main()
