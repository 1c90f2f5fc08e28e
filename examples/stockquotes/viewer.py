"""Who looks at the markets in all three phases, and cannot tell a market from a proxy for one."""

import Pyro5.api

WANTED = ["IBM", "AAPL", "MSFT"]


def show(markets, count):
    """Print quotes of all markets in turn, count of each."""
    print("Shown quotes:", ", ".join(WANTED))
    sources = [[market.name, market.quotes(), count] for market in markets]
    while sources:
        for source in list(sources):
            name, quotes, _ = source
            symbol, price = next(quotes)
            if symbol in WANTED:
                print("%s.%s: %.2f" % (name, symbol, price))
                source[2] -= 1
            if source[2] == 0:
                quotes.close()
                sources.remove(source)


def show_all(ns, count):
    """Print quotes of all markets that the name server knows."""
    markets = []
    for name, uri in ns.list(prefix="example.stockmarket.").items():
        print("Found", name)
        markets.append(Pyro5.api.Proxy(uri))
    if not markets:
        raise SystemExit("no market is open")
    show(markets, count)
