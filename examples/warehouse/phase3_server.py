"""Phase 3: the warehouse is found by its name."""

import Pyro5.api

from warehouse import Warehouse

with Pyro5.api.Daemon() as daemon:
    Pyro5.api.locate_ns().register("example.warehouse", daemon.register(Warehouse))
    daemon.requestLoop()
