"""Phase 2: visitors of a warehouse whose address they are told: phase2_visit.py URI"""

import sys

import Pyro5.api

from visitor import visits

visits(Pyro5.api.Proxy(sys.argv[1]))
