"""A Pyro5 client that takes JSON requests; see driver.py."""

import types

import Pyro5.api

import driver

API = types.SimpleNamespace(
    BatchProxy=Pyro5.api.BatchProxy,
    current_context=Pyro5.api.current_context,
    Daemon=Pyro5.api.Daemon,
    expose=Pyro5.api.expose,
    locate_ns=Pyro5.api.locate_ns,
    Proxy=Pyro5.api.Proxy,
    SerializedBlob=Pyro5.api.SerializedBlob,
)

driver.run(API, Pyro5.api.config, __doc__)
