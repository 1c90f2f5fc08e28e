"""The warehouse of all three phases."""

import Pyro5.api


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Warehouse:
    def __init__(self):
        self.contents = ["chair", "bike", "flashlight", "laptop", "couch"]

    def list_contents(self):
        return self.contents

    def take(self, name, item):
        if item not in self.contents:
            raise ValueError("there is no " + item)
        self.contents.remove(item)
        print(name, "took the", item)

    def store(self, name, item):
        self.contents.append(item)
        print(name, "stored the", item)
