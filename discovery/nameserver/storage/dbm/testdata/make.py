"""Makes the files of testdata anew, in the folder where it runs: on Debian, with the package python3-gdbm."""

import ctypes
import dbm.gnu
import dbm.ndbm

NAMES = {b"a": b"PYRO:obj_1@host:1", "\u8336".encode(): b"PYRO:obj_2@host:2"}

for opened in dbm.gnu.open("gnu.db", "n"), dbm.ndbm.open("berkeley", "n"):
    for name, uri in NAMES.items():
        opened[name] = uri
    opened.close()


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_int)]


O_RDWR, O_CREAT, DBM_REPLACE = 2, 0o100, 1
lib = ctypes.CDLL("libgdbm_compat.so.4")  # what dbm.ndbm is in other distributions
lib.dbm_open.restype = ctypes.c_void_p
lib.dbm_store.argtypes = [ctypes.c_void_p, Datum, Datum, ctypes.c_int]
lib.dbm_close.argtypes = [ctypes.c_void_p]
opened = lib.dbm_open(b"compat", O_RDWR | O_CREAT, 0o644)
for name, uri in NAMES.items():
    assert lib.dbm_store(opened, Datum(name, len(name)), Datum(uri, len(uri)), DBM_REPLACE) == 0
lib.dbm_close(opened)
