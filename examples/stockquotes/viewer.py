"""Follows the quotes of a market, for the Go one."""

import itertools
import sys

import Pyro5.api

uri = sys.argv[1] if len(sys.argv) > 1 else "PYRONAME:example.stockmarket.nasdaq"
market = Pyro5.api.Proxy(uri)
for symbol, price in itertools.islice(market.quotes(), 5):
    print(f"{market.name}: {symbol} at {price:.2f}")
