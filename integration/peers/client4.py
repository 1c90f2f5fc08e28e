"""A Pyro4 client that takes JSON requests; see driver.py."""

import types

import Pyro4
import Pyro4.core
import Pyro4.naming

import driver

API = types.SimpleNamespace(
    BatchProxy=Pyro4.core._BatchProxyAdapter,
    current_context=Pyro4.current_context,
    Daemon=Pyro4.Daemon,
    expose=Pyro4.expose,
    locate_ns=Pyro4.naming.locateNS,
    Proxy=Pyro4.Proxy,
    SerializedBlob=Pyro4.core.SerializedBlob,
)

driver.run(API, Pyro4.config, __doc__)
