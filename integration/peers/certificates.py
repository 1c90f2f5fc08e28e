"""Which certificate the other end has shown, as Python sees it.

certificates.py server 4|5 [ITEM=VALUE...]: a daemon whose answer to the handshake is the client's
certificate. certificates.py client 4|5 URI [ITEM=VALUE...]: prints a line with the server's
certificate each time that a line comes, over a new connection.
"""

import sys

import common


def dialect(number):
    if number == "4":
        import Pyro4
        from Pyro4.core import Daemon

        return Pyro4.config, Daemon, Pyro4.Proxy, Pyro4.expose
    import Pyro5.api
    from Pyro5.server import Daemon

    return Pyro5.api.config, Daemon, Pyro5.api.Proxy, Pyro5.api.expose


def certificate(connection):
    cert = connection.getpeercert() or {}
    subject = dict(pair for name in cert.get("subject", ()) for pair in name)
    return {"subject": subject, "serial": cert.get("serialNumber", "")}


def serve(daemon_class, expose):
    class Daemon(daemon_class):
        def validateHandshake(self, connection, data):
            return certificate(connection)

    @expose
    class Service:
        def echo(self, value):
            return value

    daemon = Daemon(host="127.0.0.1")
    ready = {"svc": str(daemon.register(Service, "svc"))}
    common.exit_with_stdin()
    common.say({"ready": ready})
    daemon.requestLoop()


def call(proxy_class, uri):
    for _ in sys.stdin:
        with proxy_class(uri) as proxy:
            proxy._pyroBind()
            common.say(certificate(proxy._pyroConnection))


def main():
    role, number, *rest = sys.argv[1:]
    config, daemon_class, proxy_class, expose = dialect(number)
    common.apply_config(config, ["SSL=True"] + [setting for setting in rest if "=" in setting])
    if role == "server":
        return serve(daemon_class, expose)
    common.say({"ready": {}})
    return call(proxy_class, rest[0])


main()
