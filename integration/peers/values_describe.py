"""Describes Python values in JSON, with every distinction that Python makes.

None, bools and text are themselves, all else is an object whose key t says what it is. Two values
are the same exactly if their descriptions are.
"""

import _compat_pickle
import array
import base64
import collections
import datetime
import decimal
import enum
import fractions
import json
import struct
import sys
import types
import uuid

import numpy

DEPTH = 400


def text(value):
    """The description as one line of JSON."""
    return json.dumps(describe(value), sort_keys=True)


def class_name(cls):
    return "%s.%s" % (cls.__module__, cls.__qualname__)


def describe(x, depth=0):
    if depth > DEPTH:
        raise ValueError("nested deeper than %d" % DEPTH)
    if x is None or x is True or x is False:
        return x
    describer = EXACT.get(type(x))
    if describer:
        return describer(x, lambda y: describe(y, depth + 1))
    return describe_other(x, lambda y: describe(y, depth + 1))


def describe_text(x, _):
    try:
        x.encode("utf-8")
        return str(x)
    except UnicodeEncodeError:
        return {"t": "str", "codepoints": [ord(c) for c in x]}


def describe_int(x, _):
    return {"t": "int", "hex": hex(x)}  # decimal digits of huge ones are refused


def describe_float(x, _):
    if x != x:
        return {"t": "float", "bits": "nan"}  # Python knows one
    return {"t": "float", "bits": struct.pack(">d", x).hex()}


def described_as(kind):
    return lambda x, d: {"t": kind, "v": [d(y) for y in x]}


def described_set(kind):
    def describer(x, d):
        members = [d(y) for y in x]
        members.sort(key=lambda y: json.dumps(y, sort_keys=True))
        return {"t": kind, "v": members}

    return describer


def described_dict(kind):
    return lambda x, d: {"t": kind, "v": [[d(k), d(v)] for k, v in x.items()]}


def described_hex(kind):
    return lambda x, _: {"t": kind, "hex": bytes(x).hex()}


def described_text(kind):
    return lambda x, _: {"t": kind, "v": str(x)}


def zone(tz):
    if tz is None:
        return None
    if hasattr(tz, "key"):
        return {"key": tz.key}
    offset = tz.utcoffset(None)
    return {"offset": [offset.days, offset.seconds, offset.microseconds], "name": tz.tzname(None)}


def described_time(kind):
    return lambda x, _: {"t": kind, "v": x.isoformat(), "fold": x.fold, "zone": zone(x.tzinfo)}


def describe_timedelta(x, _):
    return {"t": "timedelta", "days": x.days, "seconds": x.seconds, "microseconds": x.microseconds}


def describe_array(x, d):
    if x.typecode in "uw":
        return {"t": "array", "code": x.typecode, "v": d(x.tounicode())}
    return {"t": "array", "code": x.typecode, "v": [d(y) for y in x.tolist()]}


def describe_ndarray(x, d):
    """The array with its elements in this machine's byte order, into which numpy brings them itself."""
    if isinstance(x.dtype.str, str) and x.dtype.str[0] == ">" and not x.dtype.hasobject:
        x = x.astype(x.dtype.newbyteorder("<"))
    order = "fortran" if x.flags.f_contiguous and not x.flags.c_contiguous else "c"
    described = {"t": "ndarray", "dtype": dtype(x.dtype), "shape": list(x.shape), "order": order}
    if x.dtype.hasobject:
        described["v"] = [d(y) for y in x.ravel().tolist()]
    else:
        described["hex"] = x.tobytes(order="F" if order == "fortran" else "C").hex()
    return described


def dtype(t):
    """What makes a dtype, spelled out: for records the offset of each field too."""
    if t.subdtype:
        return [dtype(t.subdtype[0]), list(t.subdtype[1])]
    if t.names is None:
        return t.str
    return {
        "fields": [[name, dtype(t.fields[name][0]), t.fields[name][1]] for name in t.names],
        "itemsize": t.itemsize,
    }


def describe_exception(x, d):
    """The exception; attributes have no order, and no remote traceback is as good as None."""
    attributes = {k: v for k, v in vars(x).items() if not (k == "_pyroTraceback" and v is None)}
    return {
        "t": "exception",
        "class": class_name(type(x)),
        "args": [d(y) for y in x.args],
        "attributes": [[k, d(attributes[k])] for k in sorted(attributes)],
    }


EXACT = {
    str: describe_text,
    int: describe_int,
    float: describe_float,
    complex: lambda x, d: {"t": "complex", "re": d(x.real), "im": d(x.imag)},
    bytes: described_hex("bytes"),
    bytearray: described_hex("bytearray"),
    memoryview: described_hex("memoryview"),
    list: described_as("list"),
    tuple: described_as("tuple"),
    set: described_set("set"),
    frozenset: described_set("frozenset"),
    dict: described_dict("dict"),
    type(Ellipsis): lambda x, _: {"t": "global", "v": "builtins.Ellipsis"},
    type(NotImplemented): lambda x, _: {"t": "global", "v": "builtins.NotImplemented"},
    datetime.datetime: described_time("datetime"),
    datetime.date: lambda x, _: {"t": "date", "v": x.isoformat()},
    datetime.time: described_time("time"),
    datetime.timedelta: describe_timedelta,
    datetime.timezone: lambda x, _: {"t": "timezone", "v": zone(x)},
    decimal.Decimal: described_text("decimal"),
    fractions.Fraction: described_text("fraction"),
    uuid.UUID: described_text("uuid"),
    array.array: describe_array,
    range: lambda x, d: {"t": "range", "v": [d(x.start), d(x.stop), d(x.step)]},
    slice: lambda x, d: {"t": "slice", "v": [d(x.start), d(x.stop), d(x.step)]},
    numpy.ndarray: describe_ndarray,
    types.FunctionType: lambda x, _: {"t": "global", "v": class_name(x)},
}


def describe_other(x, d):
    cls = type(x)
    if isinstance(x, type):
        return {"t": "global", "v": class_name(x)}
    if isinstance(x, types.BuiltinFunctionType) and isinstance(x.__self__, types.ModuleType):
        return {"t": "global", "v": "%s.%s" % (x.__module__, x.__qualname__)}
    if isinstance(x, enum.Enum):
        return {"t": "enum", "class": class_name(cls), "value": d(x.value)}
    if isinstance(x, numpy.generic):
        if x.dtype.hasobject:
            return {"t": "npscalar", "dtype": dtype(x.dtype), "v": d(x.item())}
        return {"t": "npscalar", "dtype": dtype(x.dtype), "hex": x.tobytes()[: x.dtype.itemsize].hex()}  # more of empty text
    if isinstance(x, numpy.dtype):
        return {"t": "dtype", "v": dtype(x)}
    name = class_name(cls)
    if name in ("Pyro4.core.URI", "Pyro5.core.URI"):
        return {"t": "uri", "class": name, "state": [as_list(y, d) for y in x.__getstate__()]}
    if name in ("Pyro4.core.Proxy", "Pyro5.client.Proxy"):
        return describe_proxy(x, d, name)
    if name in ("Pyro4.futures._ExceptionWrapper", "Pyro5.core._ExceptionWrapper"):
        return {"t": "exceptionwrapper", "class": name, "exception": d(x.exception)}
    if isinstance(x, BaseException):
        return describe_exception(x, d)
    return describe_instance(x, d, name)


def as_list(x, d):
    """Part of a state: sets of names have many forms on the wire."""
    return sorted(x) if isinstance(x, (set, frozenset, tuple, list)) else d(x)


def describe_proxy(x, d, name):
    """What both dialects know of a proxy."""
    return {
        "t": "proxy",
        "class": name,
        "uri": d(x._pyroUri),
        "oneway": sorted(x._pyroOneway),
        "methods": sorted(x._pyroMethods),
        "attrs": sorted(x._pyroAttrs),
        "handshake": d(x._pyroHandshake),
    }


# Modules whose instances say all in their repr; their attributes may be caches.
SHOWN = {"functools", "ipaddress", "itertools", "operator", "pathlib", "re"}
BASES = (int, float, str, bytes, tuple, list, dict, set, frozenset, collections.deque)


def describe_instance(x, d, name):
    """An instance by its class, what it contains if it is a container, and its attributes."""
    described = {"t": "object", "class": name}
    for base in BASES:
        if isinstance(x, base):
            described["base"] = d(list(x)) if base is collections.deque else d(base(x))
            break
    for extra in ("maxlen", "default_factory"):
        if isinstance(x, (collections.deque, collections.defaultdict)) and hasattr(x, extra):
            described[extra] = d(getattr(x, extra))
    if type(x).__module__ in SHOWN:
        described["repr"] = repr(x)
        return described
    attributes = dict(getattr(x, "__dict__", {}))
    for cls in type(x).__mro__:
        slots = vars(cls).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(x, slot):
                attributes[slot] = getattr(x, slot)
    described["attrs"] = [[k, d(attributes[k])] for k in sorted(attributes)]
    return described


assert sys.byteorder == "little", "descriptions of arrays are of little-endian machines"


class Loss:
    """What Go does not keep of a value that goes through an any, or through types made for it."""

    def __init__(self, serializer, protocol, ordered):
        self.serializer = serializer
        self.protocol = protocol or 4  # of pickles
        self.ordered = ordered  # whether dicts keep their order

    def of(self, d):
        """The description d without what is lost."""
        if isinstance(d, list):
            return [self.of(x) for x in d]
        if not isinstance(d, dict):
            return d
        d = {name: self.of(x) for name, x in d.items()}
        kind = d.get("t")
        if kind == "bytearray":
            d["t"] = "bytes"
        if kind == "exception" and own_class(d):
            return {"t": "exception", "named": own_class(d)}
        if kind == "exception" and self.protocol == 2:
            d["class"] = python2_name(d["class"])
        if kind == "time" and self.protocol < 4:
            del d["fold"]  # which Python's own older pickles have not
        if kind == "dict" and self.serializer == "serpent" and is_bytes(d["v"]):
            return {"t": "bytes", "hex": base64.b64decode(d["v"][0][1]).hex()}  # written in either form
        if d.get("class") in ("collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque"):
            return d["base"]
        if kind in ("datetime", "time"):
            del d["zone"]  # its offset is in the text
        if kind == "datetime":
            del d["fold"]
        if kind == "dict" and not self.ordered or kind == "set":
            d["v"] = sorted(d["v"], key=json.dumps)
        return d


def difference(want, got, path=""):
    """Where two descriptions differ, and how; empty if they do not."""
    if type(want) is not type(got):
        return "%s: want %s, got %s" % (path or "value", brief(want), brief(got))
    if isinstance(want, dict) and want.get("t") == got.get("t"):
        parts = sorted(set(want) | set(got))
        return first(difference(want.get(k), got.get(k), path if k == "v" else path + "." + k) for k in parts)
    if isinstance(want, list) and len(want) == len(got):
        return first(difference(w, g, "%s[%d]" % (path, i)) for i, (w, g) in enumerate(zip(want, got)))
    if want == got:
        return ""
    return "%s: want %s, got %s" % (path or "value", brief(want), brief(got))


def own_class(exception):
    """The peer's own class of an exception: Go sends one that everybody knows, and names it in the text."""
    name = exception["class"]
    if name == "builtins.RuntimeError" and exception["args"]:
        message = exception["args"][0]
        if isinstance(message, dict):
            message = "".join(map(chr, message.get("codepoints", ())))
        name = str(message).split(":")[0]
    return name if name.startswith("values_classes.") else ""


def python2_name(name):
    """What Python itself calls an exception in pickles that Python 2 can read."""
    module, _, short = name.rpartition(".")
    module, short = _compat_pickle.REVERSE_NAME_MAPPING.get((module, short), (module, short))
    return "%s.%s" % (_compat_pickle.IMPORT_MAPPING.get(module, module), short)


def is_bytes(pairs):
    """Is that the dict that serpent makes of bytes?"""
    return len(pairs) == 2 and pairs[0][0] == "data" and pairs[1] == ["encoding", "base64"]


def first(differences):
    return next((d for d in differences if d), "")


def brief(described):
    return "%.300s" % json.dumps(described, sort_keys=True)
