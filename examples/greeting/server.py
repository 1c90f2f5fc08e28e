"""The greeting server of Pyro's manual, for the Go client. Needs a name server: pyroctl ns serve"""

import Pyro5.api


@Pyro5.api.expose
class GreetingMaker:
    def get_fortune(self, name):
        return (
            "Hello, {0}. Here is your fortune message:\n"
            "Behold the warranty -- the bold print giveth and the fine print taketh away.".format(name)
        )


daemon = Pyro5.api.Daemon()
uri = daemon.register(GreetingMaker)
Pyro5.api.locate_ns().register("example.greeting", uri)
print("Ready. Object uri =", uri, flush=True)
daemon.requestLoop()
