"""Phase 1: the warehouse and its visitors are one ordinary program."""

from visitor import visits
from warehouse import Warehouse

visits(Warehouse())
