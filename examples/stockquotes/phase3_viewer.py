"""Phase 3: a viewer on any machine."""

import argparse

import Pyro5.api

from viewer import show_all

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("-ns", default="localhost:9090", help="where the name server is")
parser.add_argument("-count", type=int, default=5, help="quotes to show of each market")
options = parser.parse_args()
host, port = options.ns.rsplit(":", 1)
show_all(Pyro5.api.locate_ns(host, int(port)), options.count)
