"""The dispatcher: two queues, one of work and one of results. It never looks at what an item is."""

import queue

import Pyro5.api


@Pyro5.api.expose
class Dispatcher:
    def __init__(self):
        self._work = queue.Queue()
        self._results = queue.Queue()

    def put_work(self, item):
        self._work.put(item)

    def get_work(self, timeout=5):
        return self._get(self._work, timeout)

    def put_result(self, item):
        self._results.put(item)

    def get_result(self, timeout=5):
        return self._get(self._results, timeout)

    def _get(self, items, timeout):
        try:
            return items.get(timeout=timeout)
        except queue.Empty:
            raise ValueError("no items in queue")


with Pyro5.api.Daemon() as daemon:
    Pyro5.api.locate_ns().register("example.distributed.dispatcher", daemon.register(Dispatcher()))
    daemon.requestLoop()
