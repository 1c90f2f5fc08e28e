"""Asks for prices: client.py URI ITEM..."""

import os
import sys

import Pyro5.api

proxy = Pyro5.api.Proxy(sys.argv[1])
proxy._pyroHandshake = os.environ["EXAMPLE_TOKEN"]
for item in sys.argv[2:]:
    price = proxy.get(item)
    print(f"{item}: {price // 100}.{price % 100:02}")
