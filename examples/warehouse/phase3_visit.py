"""Phase 3: visitors of a warehouse that they know by name."""

import Pyro5.api

from visitor import visits

visits(Pyro5.api.Proxy("PYRONAME:example.warehouse"))
