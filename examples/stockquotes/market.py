"""The markets of all three phases."""

import random
import time

import Pyro5.api


@Pyro5.api.expose
class Market:
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
            yield random.choice(self._symbols), round(random.uniform(1, 150), 2)
            time.sleep(0.1)


def markets():
    return [Market("NASDAQ", ["AAPL", "CSCO", "MSFT", "GOOG"]), Market("NYSE", ["IBM", "HPQ", "BP"])]


def serve(daemon, ns):
    """Register the markets with both, and serve them."""
    for market in markets():
        ns.register("example.stockmarket." + market.name.lower(), daemon.register(market))
    daemon.requestLoop()
