"""Phase 2: a viewer of the markets that the name server on this machine knows."""

import argparse

import Pyro5.api

from viewer import show_all

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("-count", type=int, default=5, help="quotes to show of each market")
show_all(Pyro5.api.locate_ns(), parser.parse_args().count)
