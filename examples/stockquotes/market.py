"""A stock market in Python, for the Go viewer. Needs a name server: pyroctl ns serve"""

import random
import time

import Pyro5.api


@Pyro5.api.expose
class StockMarket:
    def __init__(self, name, symbols):
        self._name = name
        self._symbols = symbols

    @property
    def name(self):
        return self._name

    @property
    def symbols(self):
        return self._symbols

    def quotes(self):
        while True:
            yield random.choice(self._symbols), round(random.uniform(1, 100), 2)
            time.sleep(0.5)


daemon = Pyro5.api.Daemon()
uri = daemon.register(StockMarket("NYSE", ["IBM", "HPQ", "BP"]))
Pyro5.api.locate_ns().register("example.stockmarket.nyse", uri)
print("Market is open:", uri, flush=True)
daemon.requestLoop()
