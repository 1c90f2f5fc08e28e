"""Phase 2: the warehouse is a server of its own. It says where it is."""

import Pyro5.api

from warehouse import Warehouse

with Pyro5.api.Daemon() as daemon:
    print("Ready. Object uri =", daemon.register(Warehouse, "example.warehouse"), flush=True)
    daemon.requestLoop()
