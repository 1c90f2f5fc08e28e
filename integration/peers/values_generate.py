"""Makes values of every kind that Python's serializers take, at random from a seed.

The same seed, serializer and index give the same value.
"""

import array
import collections
import datetime
import decimal
import fractions
import functools
import ipaddress
import itertools
import operator
import pathlib
import random
import re
import struct
import types
import uuid
import zoneinfo

import numpy

import values_classes as classes

POWERS = (7, 8, 15, 16, 24, 30, 31, 32, 45, 53, 60, 62, 63, 64, 65, 100, 127, 128, 256)
FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.1, 1e16, 1e-5, 123456789.125, 5e-324, 2.2250738585072014e-308,
    1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 1e22, 1e23, 4.35, 2.0**53, 2.0**63, -(2.0**63),
)  # fmt: skip
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ab '\"\\\n\r\t",
    "".join(map(chr, range(0x20))) + "\x7f\x80\x85\x9f\xa0\xad",
    "áéßñøÿþ§\xff",
    "αβγдЖ你好אب\u0301\u200b\u200d\u2028\u2029\u202e\ufeff\ufffd\uffff\ufdd0\ue000\u0378",
    "😀👨\U0001f1e9\U00010000\U0001ffff\U000e0001\U000f0000\U0010ffff",
    "\\x41\\u0041\\n'''\"\"\"{}[]()#%&<>/",
)
SURROGATES = "\ud800\udbff\udc00\udfff"
LENGTHS = (0, 1, 2, 3, 7, 15, 16, 31, 32, 33)
LONG_LENGTHS = (255, 256, 257, 1000, 65535, 65536)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
EXCEPTIONS = (
    ValueError, KeyError, TypeError, LookupError, RuntimeError, ArithmeticError, StopIteration, Exception,
    AssertionError, NotImplementedError, UserWarning, TimeoutError, ModuleNotFoundError, RecursionError,
)  # fmt: skip
PICKLES = ("pickle", "cloudpickle", "dill")


class Generator:
    """Makes values that the serializer may or may not take: who asks for them tries."""

    def __init__(self, seed, serializer, pyro):
        self.r = random.Random(seed)
        self.serializer = serializer
        self.pyro = pyro  # has URI, Proxy, PyroError, errors of the dialect
        self.budget = self.r.choice((2, 4, 10, 30, 100))
        self.kinds = KINDS[serializer]

    def value(self):
        value = self.made(self.r.choice(self.kinds + TOP.get(self.serializer, ())), 0)
        if self.r.random() < 0.02:
            for _ in range(self.r.randrange(20, 150)):
                value = self.r.choice((lambda v: [v], lambda v: {"k": v}, lambda v: (v,)))(value)
        return value

    def any(self, depth):
        self.budget -= 1
        if self.budget <= 0 or depth > 8 or self.r.random() < 0.4:
            return getattr(self, self.r.choice(SCALARS))()
        return self.made(self.r.choice(self.kinds), depth)

    def made(self, kind, depth):
        method = getattr(self, kind)
        return method(depth + 1) if kind in NESTED else method()

    def some(self, depth, most=6):
        return [self.any(depth) for _ in range(self.r.choice((0, 1, 2, 3, self.r.randrange(most))))]

    # Scalars.

    def none(self):
        return None

    def bool(self):
        return self.r.random() < 0.5

    def int(self):
        choice = self.r.random()
        if choice < 0.3:
            return self.r.randrange(-130, 300)
        if choice < 0.8:
            return self.r.choice((1, -1)) * 2 ** self.r.choice(POWERS) + self.r.randrange(-2, 3)
        if choice < 0.97 or self.serializer in ("json", "serpent", "msgpack") and choice < 0.98:
            return self.r.getrandbits(64) - 2**63
        digits = self.r.choice((100, 1000, 4299))
        return self.r.choice((1, -1)) * self.r.randrange(10 ** (digits - 1), 10**digits)

    def float(self):
        choice = self.r.random()
        if choice < 0.4:
            return self.r.choice(FLOATS)
        if choice < 0.6:
            return struct.unpack("<d", self.r.randbytes(8))[0]
        if choice < 0.8:
            return round(self.r.uniform(-1000, 1000), self.r.randrange(4))
        return self.r.uniform(-1, 1) * 10 ** self.r.randrange(-20, 25)

    def length(self):
        if self.r.random() < 0.01:
            return self.r.choice(LONG_LENGTHS)
        return self.r.choice(LENGTHS)

    def str(self):
        letters = self.r.choice(ALPHABETS)
        if self.r.random() < 0.2:
            letters = "".join(ALPHABETS)
        if self.r.random() < 0.03:
            letters += SURROGATES
        return "".join(self.r.choice(letters) for _ in range(self.length()))

    def name(self):
        return "".join(self.r.choice("abcxyz_é") for _ in range(self.r.randrange(1, 5)))

    def complex(self):
        return complex(self.float(), self.float())

    def bytes(self):
        return self.r.randbytes(self.length())

    def bytearray(self):
        return bytearray(self.bytes())

    def memoryview(self):
        return memoryview(self.bytes())

    # Containers.

    def list(self, depth):
        if self.r.random() < 0.01:
            return [self.r.randrange(1000) for _ in range(self.r.choice((255, 256, 1000)))]
        return self.some(depth)

    def tuple(self, depth):
        return tuple(self.some(depth))

    def key(self, depth):
        """A key for a dict or a member of a set; the serializer may refuse it."""
        kinds = KEYS[self.serializer]
        kind = self.r.choice(kinds)
        if kind == "tuple":
            return tuple(self.key(depth + 1) for _ in range(self.r.randrange(3) if depth < 6 else 0))
        if kind == "frozenset":
            return frozenset(self.key(depth + 1) for _ in range(self.r.randrange(3) if depth < 6 else 0))
        return getattr(self, kind)()

    def keys(self, depth):
        if self.r.random() < 0.6:
            return [self.name() for _ in range(self.r.randrange(6))]
        return [self.key(depth) for _ in range(self.r.randrange(6))]

    def dict(self, depth):
        return {k: self.any(depth) for k in self.keys(depth)}

    def named_dict(self, depth):
        return {self.str(): self.any(depth) for _ in range(self.r.randrange(6))}

    def set(self, depth):
        return {k for k in self.keys(depth)}

    def frozenset(self, depth):
        return frozenset(self.keys(depth))

    def ordereddict(self, depth):
        return collections.OrderedDict(self.dict(depth))

    def defaultdict(self, depth):
        return collections.defaultdict(self.r.choice((None, int, list)), self.named_dict(depth))

    def counter(self):
        return collections.Counter(self.str())

    def deque(self, depth):
        return collections.deque(self.some(depth), self.r.choice((None, 3)))

    def userdict(self, depth):
        return collections.UserDict(self.named_dict(depth))

    def userlist(self, depth):
        return collections.UserList(self.some(depth))

    def userstring(self):
        return collections.UserString(self.str())

    def chainmap(self, depth):
        return collections.ChainMap(self.named_dict(depth), self.named_dict(depth))

    def namedtuple(self, depth):
        return self.r.choice((classes.Pair(self.any(depth), self.any(depth)), classes.Point(self.r.randrange(9))))

    def view(self, depth):
        made = self.named_dict(depth)
        return self.r.choice((made.keys(), made.values(), made.items()))

    def shared(self, depth):
        """The same object in several places."""
        one = self.any(depth)
        return [one, (one, [one]), {"again": one}]

    # What Python has and many formats have not.

    def enum(self):
        return self.r.choice((*classes.Color, *classes.Level))

    def flag(self):
        return self.r.choice((classes.Mode.READ, classes.Mode.READ | classes.Mode.WRITE, classes.Mode(0)))

    def intenum(self):
        return self.r.choice(list(classes.Level))

    def subclass(self, depth):
        return self.r.choice((
            lambda: classes.MyInt(self.int()),
            lambda: classes.MyFloat(self.float()),
            lambda: classes.MyStr(self.str()),
            lambda: classes.MyList(self.some(depth)),
            lambda: classes.MyDict(self.named_dict(depth)),
            lambda: classes.MyTuple(self.some(depth)),
            lambda: classes.MySet(self.keys(depth)),
            lambda: classes.MyBytes(self.bytes()),
        ))()  # fmt: skip

    def subclass_with_attributes(self, depth):
        value = self.subclass(depth)
        vars(value).update(self.attributes(depth))
        return value

    def tz(self):
        choice = self.r.random()
        if choice < 0.3:
            return None
        if choice < 0.5:
            return datetime.timezone.utc
        if choice < 0.8:
            return datetime.timezone(datetime.timedelta(minutes=self.r.randrange(-1439, 1440)))
        if choice < 0.9:
            return datetime.timezone(datetime.timedelta(seconds=self.r.randrange(-86399, 86400)), self.name())
        return zoneinfo.ZoneInfo(self.r.choice(ZONES))

    def year(self):
        return self.r.choice((1, 1582, 1900, 1969, 1970, 2000, 2020, 2024, 2038, 9999, self.r.randrange(1, 10000)))

    def clock(self):
        micro = self.r.choice((0, 1, 999999, 500000, self.r.randrange(1000000)))
        return self.r.randrange(24), self.r.randrange(60), self.r.randrange(60), micro

    def naive_datetime(self):
        date = self.date()
        return datetime.datetime(date.year, date.month, date.day, *self.clock())

    def datetime(self):
        return self.naive_datetime().replace(tzinfo=self.tz(), fold=self.r.randrange(2))

    def date(self):
        return datetime.date(self.year(), self.r.randrange(1, 13), self.r.randrange(1, 29))

    def time(self):
        return datetime.time(*self.clock(), tzinfo=self.fixed_tz(), fold=self.r.randrange(2))

    def fixed_tz(self):
        tz = self.tz()
        return None if hasattr(tz, "key") else tz

    def timezone(self):
        return self.fixed_tz() or datetime.timezone.utc

    def timedelta(self):
        return self.r.choice((
            datetime.timedelta(0),
            datetime.timedelta(days=self.r.randrange(-5, 6), seconds=self.r.uniform(-90000, 90000)),
            datetime.timedelta(microseconds=self.r.randrange(-(10**13), 10**13)),
            datetime.timedelta.max,
            datetime.timedelta.min,
        ))  # fmt: skip

    def decimal(self):
        special = ("0", "-0", "0.00", "1.10", "1E+10", "-1E-10", "NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-Infinity")
        if self.r.random() < 0.5:
            return decimal.Decimal(self.r.choice(special))
        digits = tuple(self.r.randrange(10) for _ in range(self.r.randrange(1, 40)))
        return decimal.Decimal((self.r.randrange(2), digits, self.r.randrange(-50, 50)))

    def fraction(self):
        return fractions.Fraction(self.r.randrange(-100, 100), self.r.randrange(1, 100))

    def uuid(self):
        return uuid.UUID(bytes=self.r.randbytes(16))

    def array(self):
        code = self.r.choice("bBhHiIlLqQfdu")
        if code == "u":
            return array.array("u", "".join(self.r.choice(ALPHABETS[4] + ALPHABETS[5]) for _ in range(3)))
        size = array.array(code).itemsize
        return array.array(code, self.r.randbytes(size * self.r.randrange(5)))

    def range(self):
        return range(self.r.randrange(-9, 9), self.r.randrange(-9, 99), self.r.choice((1, 2, -1)))

    def slice(self, depth):
        return slice(self.any(depth), self.r.choice((None, 3)), self.r.choice((None, -1)))

    def ellipsis(self):
        return ...

    # Instances.

    def attributes(self, depth):
        """Attributes hold no other instances where nothing in an instance is turned back."""
        before, self.kinds = self.kinds, PLAIN.get(self.serializer, self.kinds)
        made = {self.name(): self.any(depth) for _ in range(self.r.randrange(4))}
        self.kinds = before
        return made

    def item(self, depth):
        return classes.Item(**self.attributes(depth))

    def stranger(self, depth):
        return classes.Stranger(**self.attributes(depth))

    def exception(self, depth):
        before, self.kinds = self.kinds, PLAIN.get(self.serializer, self.kinds)
        chosen = self.r.choice(EXCEPTIONS + self.pyro.exceptions)
        # Errors of the system give a meaning to more than one argument.
        made = chosen(*self.some(depth, 3)[: 1 if issubclass(chosen, OSError) else None])
        self.kinds = before
        vars(made).update(self.attributes(depth))
        if self.r.random() < 0.3:
            made._pyroTraceback = ["Traceback:\n", self.str()]
        return made

    def wrapper(self, depth):
        return self.pyro.Wrapper(self.exception(depth))

    def uri(self):
        return self.pyro.URI(self.r.choice((
            "PYRO:obj_%d@localhost:%d" % (self.r.randrange(99), self.r.randrange(65536)),
            "PYRO:é%s@[::1]:55" % self.name(),
            "PYRO:x@./u:/tmp/" + self.name(),
            "PYRONAME:" + self.name(),
            "PYRONAME:%s@host:9999" % self.name(),
            "PYROMETA:a,b",
            "PYROMETA:c@host",
        )))  # fmt: skip

    def proxy(self):
        made = self.pyro.Proxy(self.uri())
        for names in (made._pyroOneway, made._pyroMethods, made._pyroAttrs):
            names.update(self.name() for _ in range(self.r.randrange(3)))
        made._pyroHandshake = self.r.choice(("hello", [1, "two"]))  # None is sent as hello
        return made

    # Only for pickles.

    def slots(self, depth):
        return classes.Slots(self.any(depth), self.any(depth))

    def slots_and_more(self, depth):
        return classes.SlotsAndMore(self.any(depth), self.any(depth), self.attributes(depth))

    def state(self, depth):
        state = self.any(depth)
        return classes.State([state] if type(state) is dict else state)  # attributes, of which it would be a dict, have no order

    def new_args(self, depth):
        return classes.NewArgs(*self.some(depth), word=self.any(depth))

    def bag(self, depth):
        made = classes.Bag(*self.some(depth))
        made.items = self.some(depth)
        made.pairs = self.named_dict(depth)
        vars(made).update(self.r.choice(({}, {"extra": 1})))
        return made

    def own_exception(self, depth):
        return self.r.choice((
            lambda: classes.ShopError(*self.some(depth)),
            lambda: classes.SoldOut(self.str(), self.r.randrange(9)),
        ))()  # fmt: skip

    def dataclass(self, depth):
        return self.r.choice((
            lambda: classes.Record(self.str(), self.some(depth), self.any(depth)),
            lambda: classes.Frozen((self.int(),)),
        ))()  # fmt: skip

    def inner(self, depth):
        return classes.Outer.Inner(**self.attributes(depth))

    def namespace(self, depth):
        return types.SimpleNamespace(**self.attributes(depth))

    def path(self):
        return self.r.choice((pathlib.PurePosixPath("/a/" + self.name()), pathlib.PureWindowsPath("c:\\x")))

    def address(self):
        return ipaddress.ip_address(self.r.choice(("::1", "127.0.0.1", "10.1.2.3")))

    def pattern(self):
        return re.compile("a+" + self.name(), self.r.choice((0, re.IGNORECASE)))

    def partial(self):
        return functools.partial(int, base=2)

    def getter(self):
        return self.r.choice((operator.itemgetter(1, "x"), operator.attrgetter("a.b")))

    def counting(self):
        return itertools.count(self.r.randrange(9), 2)

    def name_of(self):
        return self.r.choice((int, len, dict, ValueError, classes.Item, classes.Outer, collections.OrderedDict, datetime.date, re.compile))

    # numpy.

    def dtype(self):
        plain = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16",
                 "U3", "S3", "V5", "M8[ns]", "M8[D]", "M8[25s]", "m8[ms]", "m8")  # fmt: skip
        chosen = self.r.choice(plain)
        if chosen[0] not in "?V" and self.r.random() < 0.3:
            chosen = ">" + chosen
        return numpy.dtype(chosen)

    def record_dtype(self):
        fields = [("x", self.dtype()), ("é y", self.dtype())]
        if self.r.random() < 0.3:
            fields.append(("sub", self.dtype(), (2, 2)))
        if self.r.random() < 0.3:
            fields.append(("in", [("a", "<f4"), ("b", ">i2")]))
        return numpy.dtype(fields, align=self.r.random() < 0.3)

    def shape(self):
        return self.r.choice(((), (0,), (1,), (5,), (2, 3), (3, 0, 2), (2, 3, 4), (1, 1, 1, 2), (300,)))

    def ndarray(self):
        dtype, shape = self.r.choice((self.dtype, self.dtype, self.record_dtype))(), self.shape()
        made = numpy.zeros(shape, dtype)
        self.fill(made)
        return self.laid_out(made)

    def fill(self, made):
        if made.dtype.names:
            for name in made.dtype.names:
                self.fill(made[name])
        elif made.dtype.kind in "USb":
            made[...] = self.r.choice({"U": ("é😀", "x", ""), "S": (b"ab\xff", b""), "b": (True, False)}[made.dtype.kind])
        else:
            made[...] = numpy.frombuffer(self.r.randbytes(made.nbytes), dtype=made.dtype).reshape(made.shape)

    def laid_out(self, made):
        """The same elements in memory as they come in practice."""
        choice = self.r.random()
        if choice < 0.2:
            return numpy.asfortranarray(made)
        if choice < 0.3 and made.ndim:
            return made[::2]
        if choice < 0.4 and made.ndim > 1:
            return made.T
        if choice < 0.5 and made.ndim:
            return made[..., ::-1]
        return made.copy()

    def npscalar(self):
        made = self.ndarray()
        if not made.size:
            return numpy.float64(1.5)
        return made.ravel()[0]

    def object_array(self, depth):
        made = numpy.empty(3, dtype=object)
        for i in range(3):
            made[i] = self.any(depth)
        return made

    def numpy_kin(self):
        """What numpy has besides plain arrays."""
        return self.r.choice((
            lambda: numpy.matrix([[1, 2], [3, 4]]),
            lambda: numpy.ma.masked_array([1.5, 2.5, 3.5], mask=[False, True, False]),
            lambda: numpy.rec.array([(1, 2.5), (3, 4.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
            lambda: numpy.arange(3, dtype=numpy.longdouble) / 3,
            lambda: self.dtype(),
            lambda: self.record_dtype(),
            lambda: numpy.array(["a", "é"], dtype=numpy.dtypes.StringDType()),
            lambda: numpy.datetime64("NaT"),
            lambda: numpy.timedelta64(5, "D"),
            lambda: numpy.float16(1.5),
            lambda: numpy.longdouble(1) / 3,
            lambda: numpy.bool_(True),
            lambda: numpy.broadcast_to(numpy.arange(3), (2, 3)),
        ))()  # fmt: skip

    def frame(self):
        """What a microscope sends."""
        return (numpy.arange(64 * 64, dtype="<u2").reshape(64, 64) * self.r.randrange(9)).astype(self.r.choice(("<u2", ">u2")))


SCALARS = ("none", "bool", "int", "float", "str")
ALL = SCALARS + ("list", "dict", "named_dict", "tuple")
INSTANCES = ("item", "stranger", "exception", "uri", "proxy")
SUBCLASSES = ("subclass", "subclass_with_attributes", "namedtuple")
TIMES = ("naive_datetime", "date")
TEXTS = ("decimal", "uuid", "array")

PLAIN = {
    "serpent": ALL + ("set", "complex", "bytes"),
    "json": ALL,
    "marshal": ALL + ("set", "frozenset", "complex", "bytes"),
    "msgpack": ALL + ("complex", "bytes", "set") + TIMES + TEXTS,
}
KINDS = {
    "serpent": PLAIN["serpent"] + INSTANCES + SUBCLASSES + TIMES + TEXTS + (
        "bytearray", "memoryview", "frozenset", "datetime", "time", "timedelta", "fraction", "enum", "deque", "view",
        "ordereddict", "userdict", "userlist", "userstring", "counter", "wrapper", "ellipsis",
    ),
    "json": PLAIN["json"] + INSTANCES + SUBCLASSES + TIMES + TEXTS + (
        "set", "datetime", "ordereddict", "defaultdict", "counter", "intenum", "fraction", "wrapper",
    ),
    "marshal": PLAIN["marshal"] + ("shared", "bytearray", "ellipsis"),
    "msgpack": PLAIN["msgpack"] + INSTANCES + SUBCLASSES + (
        "bytearray", "memoryview", "ordereddict", "defaultdict", "intenum", "wrapper",
    ),
}  # fmt: skip
KINDS["pickle"] = ALL + INSTANCES + SUBCLASSES + TIMES + TEXTS + (
    "complex", "bytes", "bytearray", "set", "frozenset", "ordereddict", "defaultdict", "counter", "deque", "userdict",
    "userlist", "userstring", "chainmap", "shared", "enum", "flag", "datetime", "time", "timezone", "timedelta",
    "fraction", "range", "slice", "ellipsis", "slots", "slots_and_more", "state", "new_args", "bag", "inner",
    "namespace", "path", "address", "pattern", "partial", "getter", "counting", "name_of", "wrapper", "own_exception", "dataclass",
    "ndarray", "ndarray", "npscalar", "object_array", "frame", "numpy_kin",
)  # fmt: skip
# At the top marshal takes more than within.
TOP = {"marshal": ("item", "exception", "uri", "array", "uuid", "proxy")}
KEYS = {
    "serpent": ("str", "int", "float", "bool", "tuple", "complex", "none", "bytes", "enum"),
    "json": ("str", "int", "float", "bool", "none"),
    "marshal": ("str", "int", "float", "bool", "tuple", "complex", "none", "bytes", "frozenset", "ellipsis"),
    "msgpack": ("str", "str", "str", "bytes", "int"),
    "pickle": ("str", "int", "float", "bool", "tuple", "complex", "none", "bytes", "frozenset", "date", "uuid", "enum"),
}
NESTED = {
    name for name in dir(Generator)
    if not name.startswith("_") and "depth" in getattr(Generator, name).__code__.co_varnames[:2]
}  # fmt: skip
for name in PICKLES[1:]:
    KINDS[name], KEYS[name] = KINDS["pickle"], KEYS["pickle"]
