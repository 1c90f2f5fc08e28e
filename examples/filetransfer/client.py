"""A client of the file server: it fetches a file in both ways: client.py URI FILE"""

import hashlib
import sys
import zlib

import serpent

import Pyro5.api

uri, name = sys.argv[1:]
with Pyro5.api.Proxy(uri) as files:
    digest, size = hashlib.sha256(), 0
    for piece in files.read(name):
        piece = serpent.tobytes(piece)  # serpent has bytes as base64 text
        digest.update(piece)
        size += len(piece)
    print("iterator:    %d bytes, %s" % (size, digest.hexdigest()))

    digest, size = hashlib.sha256(), 0
    for position, checksum in files.annotated(name):
        piece = bytes(Pyro5.api.current_context.response_annotations["FDAT"])
        digest.update(piece)
        size += len(piece)
        if zlib.crc32(piece) != checksum or size != position:
            raise SystemExit("a piece is damaged")
    print("annotations: %d bytes, %s" % (size, digest.hexdigest()))
