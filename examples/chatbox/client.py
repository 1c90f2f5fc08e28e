"""A guest of the chat room: it serves an object that the room calls: client.py NICK"""

import sys
import threading

import Pyro5.api


def show(line):
    """Print a line in one piece: messages come in a thread of their own."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Guest:
    @Pyro5.api.expose
    @Pyro5.api.oneway
    def message(self, nick, text):
        show("[%s] %s" % (nick, text))


nick = sys.argv[1]
guest = Guest()
daemon = Pyro5.api.Daemon()
daemon.register(guest)
threading.Thread(target=daemon.requestLoop, daemon=True).start()
with Pyro5.api.Proxy("PYRONAME:example.chatbox") as room:
    show("In the room: " + ", ".join(room.join(nick, guest)))  # it arrives as a proxy
    for line in sys.stdin:
        if line.strip() == "/quit":
            break
        room.publish(nick, line.rstrip("\n"))
    room.leave(nick)
