"""The forms in which peers write a value: what Pyro's serializer writes, and what others do."""

import io
import json
import marshal
import pickle
import pickletools

import msgpack
import serpent


def write(r, name, serializer, value):
    """The bytes of value in a form that r, a random.Random, chooses."""
    forms = FORMS.get(name, ())
    if not forms or r.random() < 0.6:
        return serializer.dumps(value)
    return r.choice(forms)(serializer, value)


def indented(_, value):
    return serpent.dumps(value, indent=True, module_in_classname=True)


def with_bytes_literals(_, value):
    return serpent.dumps(value, module_in_classname=True, bytes_repr=True)


def json_of(**how):
    return lambda serializer, value: json.dumps(value, default=serializer.default, **how).encode("utf-8")


def marshal_version(version):
    return lambda serializer, value: marshal.dumps(serializer.convert_obj_into_marshallable(value), version)


def single_floats(serializer, value):
    return msgpack.packb(value, use_bin_type=True, use_single_float=True, default=serializer.default)


def pickle_protocol(protocol):
    return lambda _, value: pickle.dumps(value, protocol)


def optimized(_, value):
    return pickletools.optimize(pickle.dumps(value))


def pickled_in_python(_, value):
    """The pickler written in Python writes other opcodes here and there."""
    out = io.BytesIO()
    pickle._Pickler(out, 4).dump(value)
    return out.getvalue()


class Python2Pickler(pickle._Pickler):
    """Writes text that is ASCII, and bytes, as Python 2 writes its str."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_py2_str(self, data):
        if not self.bin:
            self.write(b"S" + repr(data)[1:].encode("ascii") + b"\n")
        elif len(data) < 256:
            self.write(b"U" + bytes([len(data)]) + data)
        else:
            self.write(b"T" + len(data).to_bytes(4, "little") + data)

    def save_str(self, text):
        if text.isascii():
            self.save_py2_str(text.encode("ascii"))
            self.memoize(text)
        else:
            pickle._Pickler.save_str(self, text)

    def save_bytes(self, data):
        self.save_py2_str(data)
        self.memoize(data)

    dispatch[str] = save_str
    dispatch[bytes] = save_bytes


def python2(protocol):
    def form(_, value):
        out = io.BytesIO()
        Python2Pickler(out, protocol).dump(value)
        return out.getvalue()

    return form


FORMS = {
    "serpent": (indented, with_bytes_literals),
    "json": (json_of(), json_of(ensure_ascii=False, indent=1), json_of(separators=(",", ":"))),
    "marshal": tuple(marshal_version(version) for version in range(4)),
    "msgpack": (single_floats,),
    "pickle": tuple(pickle_protocol(protocol) for protocol in range(6)) + tuple(python2(p) for p in range(3)) + (
        optimized, pickled_in_python,
    ),
}  # fmt: skip
