"""The client: it puts numbers into the dispatcher and collects their factors."""

import Pyro5.api

COUNT = 20

with Pyro5.api.Proxy("PYRONAME:example.distributed.dispatcher") as dispatcher:
    for number in range(COUNT):
        dispatcher.put_work({"id": number, "number": 1000000007 * (number + 1)})
    items = []
    while len(items) < COUNT:
        try:
            items.append(dispatcher.get_result())
        except ValueError:
            print(len(items), "of", COUNT, "results, waiting for workers")
for item in sorted(items, key=lambda item: item["id"]):
    print(item["number"], "-->", item["factors"], "by", item["processed_by"])
