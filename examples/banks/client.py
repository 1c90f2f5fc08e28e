"""A customer of every bank that the name server knows."""

import Pyro5.api


def attempt(method, *args):
    try:
        method(*args)
    except ValueError as error:
        print("  refused:", error)
    except KeyError as error:
        print("  not found:", error.args[0])


with Pyro5.api.locate_ns() as ns:
    uris = ns.list(prefix="example.banks.")
for name in sorted(uris):
    with Pyro5.api.Proxy(uris[name]) as bank:
        print("Irmen does business with the %s." % bank.name())
        attempt(bank.create_account, "Irmen")
        attempt(bank.create_account, "Irmen")
        attempt(bank.deposit, "Irmen", 700.75)
        attempt(bank.withdraw, "Irmen", 400.0)
        attempt(bank.withdraw, "Irmen", 400.0)
        attempt(bank.withdraw, "Nobody", 400.0)
        print("  balance: %.2f" % bank.balance("Irmen"))
        bank.delete_account("Irmen")
