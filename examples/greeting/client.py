"""The greeting client of Pyro's manual, for the Go server. With Pyro4 it is Pyro4.Proxy."""

import sys

import Pyro5.api

uri = sys.argv[1] if len(sys.argv) > 1 else "PYRONAME:example.greeting"
print(Pyro5.api.Proxy(uri).get_fortune("Irmen"))
