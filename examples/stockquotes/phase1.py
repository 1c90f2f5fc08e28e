"""Phase 1: markets and viewer are one ordinary program."""

import argparse

from market import markets
from viewer import show

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("-count", type=int, default=5, help="quotes to show of each market")
show(markets(), parser.parse_args().count)
