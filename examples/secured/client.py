"""Says its token when it connects, and gives its calls a correlation id: client.py URI"""

import os
import sys
import uuid

import Pyro5.api

Pyro5.api.current_context.correlation_id = uuid.uuid4()
proxy = Pyro5.api.Proxy(sys.argv[1])
proxy._pyroHandshake = os.environ["EXAMPLE_TOKEN"]
print(f"the server knows me as {proxy.whoami()}; its log has {Pyro5.api.current_context.correlation_id}")
