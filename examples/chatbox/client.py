"""A guest of the chat room: it serves an object that the room calls: client.py NICK"""

import sys
import threading

import Pyro5.api


class Guest:
    @Pyro5.api.expose
    @Pyro5.api.oneway
    def message(self, nick, text):
        print("[%s] %s" % (nick, text), flush=True)


nick = sys.argv[1]
guest = Guest()
daemon = Pyro5.api.Daemon()
daemon.register(guest)
threading.Thread(target=daemon.requestLoop, daemon=True).start()
with Pyro5.api.Proxy("PYRONAME:example.chatbox") as room:
    print("In the room:", ", ".join(room.join(nick, guest)), flush=True)  # it arrives as a proxy
    for line in sys.stdin:
        if line.strip() == "/quit":
            break
        room.publish(nick, line.rstrip("\n"))
    room.leave(nick)
