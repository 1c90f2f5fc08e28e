"""Phase 2: the markets are a server of their own, and known by name."""

import Pyro5.api

from market import serve

with Pyro5.api.Daemon() as daemon:
    serve(daemon, Pyro5.api.locate_ns())
