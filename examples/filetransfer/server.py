"""A file server: it sends the files of one folder, piece by piece, in two ways: server.py FOLDER"""

import os
import sys
import zlib

import Pyro5.api

PIECE_SIZE = 60000  # Pyro4's annotations hold no more than 64 KiB


@Pyro5.api.expose
class Files:
    def __init__(self, folder):
        self._folder = folder

    def read(self, name):
        # basename: nothing outside of the folder is opened
        with open(os.path.join(self._folder, os.path.basename(name)), "rb") as file:
            while True:
                piece = file.read(PIECE_SIZE)
                if not piece:
                    return
                yield piece

    def annotated(self, name):
        position = 0
        for piece in self.read(name):
            position += len(piece)
            Pyro5.api.current_context.response_annotations = {"FDAT": piece}
            yield position, zlib.crc32(piece)


with Pyro5.api.Daemon() as daemon:
    uri = daemon.register(Files(sys.argv[1]), "example.filetransfer")
    print("Ready. Object uri =", uri, flush=True)
    daemon.requestLoop()
