"""Two banks in one server, each under a name of its own, with metadata that says what they are."""

import Pyro5.api


@Pyro5.api.expose
class Bank:
    def __init__(self, name, lenient):
        self._name = name
        self._lenient = lenient
        self._accounts = {}

    def name(self):
        return self._name

    def create_account(self, owner):
        if owner in self._accounts:
            raise ValueError("account exists")
        self._accounts[owner] = 0.0

    def delete_account(self, owner):
        self._must_have(owner)
        del self._accounts[owner]

    def deposit(self, owner, amount):
        self._must_have(owner)
        self._accounts[owner] += amount

    def withdraw(self, owner, amount):
        self._must_have(owner)
        if self._accounts[owner] < amount and not self._lenient:
            raise ValueError("insufficient balance")
        self._accounts[owner] -= amount

    def balance(self, owner):
        self._must_have(owner)
        return self._accounts[owner]

    def all_accounts(self):
        return self._accounts

    def _must_have(self, owner):
        if owner not in self._accounts:
            raise KeyError("unknown account")


with Pyro5.api.Daemon() as daemon, Pyro5.api.locate_ns() as ns:
    for name, lenient in (("Strict", False), ("Lenient", True)):
        uri = daemon.register(Bank(name + " bank", lenient))
        ns.register("example.banks." + name.lower(), uri, metadata={"bank"})
    daemon.requestLoop()
