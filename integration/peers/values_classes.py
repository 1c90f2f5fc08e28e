"""Classes whose instances the generated values hold."""

import collections
import dataclasses
import enum
import typing

Pair = collections.namedtuple("Pair", "left right")


class Point(typing.NamedTuple):
    x: int
    y: float = 0.5


class Color(enum.Enum):
    RED = "red"
    DEEP = ("deep", 1)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2**40


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class MyInt(int):
    pass


class MyFloat(float):
    pass


class MyStr(str):
    pass


class MyBytes(bytes):
    pass


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class Item:
    """Known to Pyro in both directions: common serializers turn it back."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Stranger(Item):
    """Nobody registers it."""


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class SlotsAndMore(Slots):
    """Has slots and a dict: its state is a pair."""

    def __init__(self, a, b, more):
        super().__init__(a, b)
        vars(self).update(more)


class State:
    """Its state is whatever it was made with."""

    state = None  # nothing is pickled of a state that is false

    def __init__(self, state):
        self.state = state

    def __getstate__(self):
        return self.state

    def __setstate__(self, state):
        self.state = state


class NewArgs(tuple):
    """Takes arguments, by name too, to be made anew."""

    def __new__(cls, *args, word=None):
        self = super().__new__(cls, args)
        self.word = word
        return self

    def __getnewargs_ex__(self):
        return tuple(self), {"word": self.word}


class Bag:
    """Reduces to a call, with a state, items and pairs."""

    calls = 0

    def __init__(self, *args):
        Bag.calls += 1
        self.args, self.items, self.pairs = args, [], {}

    def append(self, item):
        self.items.append(item)

    def extend(self, items):
        self.items.extend(items)

    def __setitem__(self, key, value):
        self.pairs[key] = value

    def __reduce__(self):
        state = {name: value for name, value in vars(self).items() if name not in ("args", "items", "pairs")}
        return Bag, self.args, state or None, iter(self.items), iter(self.pairs.items())


class Outer:
    class Inner(Item):
        """Its qualified name has a dot."""


class ShopError(Exception):
    """An exception of the peer's own."""


class SoldOut(ShopError):
    """Takes other arguments than it keeps."""

    def __init__(self, item, count=0):
        super().__init__("sold out: %s" % (item,))
        self.item = item
        self.count = count

    def __reduce__(self):
        return SoldOut, (self.item, self.count)


@dataclasses.dataclass
class Record:
    name: str
    parts: list
    more: object = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    key: tuple = ()
