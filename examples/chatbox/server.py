"""A chat room: it calls its guests back."""

import threading

import Pyro5.api
import Pyro5.errors


@Pyro5.api.expose
class Room:
    def __init__(self):
        self._lock = threading.Lock()
        self._guests = {}

    def join(self, nick, guest):
        with self._lock:
            if nick in self._guests or not nick:
                raise ValueError("this nick is taken")
            self._guests[nick] = guest
            there = sorted(self._guests)
        self.publish("SERVER", nick + " joined")
        return there

    def publish(self, nick, text):
        with self._lock:
            for name, guest in list(self._guests.items()):
                if name != nick:
                    self._tell(name, guest, nick, text)

    def leave(self, nick):
        with self._lock:
            self._guests.pop(nick, None)
        self.publish("SERVER", nick + " left")

    def _tell(self, name, guest, nick, text):
        if hasattr(guest, "_pyroClaimOwnership"):
            guest._pyroClaimOwnership()  # in Pyro5 a proxy is its thread's; each caller has another
        try:
            guest.message(nick, text)
        except Pyro5.errors.CommunicationError:
            del self._guests[name]  # who cannot be told has left


with Pyro5.api.Daemon() as daemon:
    Pyro5.api.locate_ns().register("example.chatbox", daemon.register(Room()))
    daemon.requestLoop()
