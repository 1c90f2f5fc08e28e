"""Phase 3: markets that other machines reach, too."""

import argparse

import Pyro5.api

from market import serve

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("-listen", default="localhost:9092", help="address of this machine that others reach")
parser.add_argument("-ns", default="localhost:9090", help="where the name server is")
options = parser.parse_args()
host, port = options.listen.rsplit(":", 1)
ns_host, ns_port = options.ns.rsplit(":", 1)
with Pyro5.api.Daemon(host=host, port=int(port)) as daemon:
    serve(daemon, Pyro5.api.locate_ns(ns_host, int(ns_port)))
