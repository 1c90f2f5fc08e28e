"""A worker: it takes items from the dispatcher, one at a time. Start as many as there are cores."""

import os

import Pyro5.api


def factorize(n):
    factors = []
    p = 2
    while p * p <= n:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return factors + [n] if n > 1 else factors


with Pyro5.api.Proxy("PYRONAME:example.distributed.dispatcher") as dispatcher:
    while True:
        try:
            item = dispatcher.get_work()
        except ValueError:
            continue  # nothing to do yet
        item["factors"] = factorize(item["number"])
        item["processed_by"] = "Python worker %d" % os.getpid()
        dispatcher.put_result(item)
